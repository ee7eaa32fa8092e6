"""Each rule about sections refuses its module, with the byte and a text that names the rule."""

import pytest

from quorate.core.contracts.limits import CUSTOM_SECTIONS_MAX, EXPORTS_MAX, OBJECTS_SIZE_BYTES_MAX
from quorate.core.contracts.module import check_module
from quorate.core.contracts.shape import JAVA, PLAIN
from quorate.core.contracts.wasm import encode_u32
from quorate.core.errors import InvalidModule
from tests.wasm.assembler import (
    BASE,
    HEADER,
    MEMORY_EXPORT,
    NOTHING,
    build_module,
    build_section,
    build_vector,
)

GOOD = build_module()
TABLE = b"\1\x70\0\2"
RUN = b"\3run\0\0"
CUSTOM = build_section(0, b"\4note...")


def test_base_passes_in_both_profiles() -> None:
    assert check_module(GOOD, PLAIN).methods == check_module(GOOD, JAVA).methods == ("run",)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (b"", "no WebAssembly module"),
        (b"\0asm\2\0\0\0" + GOOD[8:], "no WebAssembly module"),
        (b"\0asm\x0d\0\1\0", "no WebAssembly module"),
        (GOOD + b"\1", "cut off"),
        (GOOD + b"\x0b\x05\0", "section 11 is cut off"),
        (GOOD + build_section(14, b""), "no section 14"),
        (GOOD + build_section(0, b"\5note"), "cut off"),
        (GOOD + build_section(0, b""), "cut off"),
        (GOOD + CUSTOM * (CUSTOM_SECTIONS_MAX + 1), "custom sections"),
        (GOOD + build_section(1, b"\0"), "out of order"),
        (GOOD + build_section(10, b"\0"), "twice"),
        (HEADER + build_section(3, BASE[3]) + build_section(1, BASE[1]), "type 0 is not there"),
        (build_module({1: BASE[1] + b"\0"}), "left over"),
        (build_module({8: b"\0"}), "a start function"),
        (build_module({3: None, 7: b"\1" + MEMORY_EXPORT}), "0 functions are declared, 1 have"),
        (build_module({10: None}), "1 functions are declared, 0 have bodies"),
        (build_module({10: b"\1\3\0\x0b"}), "cut off"),
        (build_module({5: None, 7: b"\1" + RUN}), "the memory is not exported"),
        (build_module({5: b"\2\0\1\0\1"}), "2 memories, at most 1"),
        (build_module({5: b"\1\0\x81\2"}), "257 pages, at most 256"),
        (build_module({5: b"\1\1\2\1"}), "maximum of pages below"),
        (build_module({5: b"\1\3\1\2"}), "not shared"),
        (build_module({5: b"\1\4\1"}), "only limits of 32 bits"),
        (build_module({4: b"\2\x70\0\1\x70\0\1"}), "2 tables, at most 1"),
        (build_module({4: b"\1\x70\0\xa0\x9c\1"}), "20000 entries, at most 10000"),
        (build_module({4: b"\1\x6f\0\1"}), "not in profile plain"),
        (build_module({4: b"\1\x7f\0\1"}), "anything but funcref"),
        (build_module({1: b"\1\x60\1\x7d\0"}), "floats are not in profile plain"),
        (build_module({1: b"\1\x60\1\x7b\0"}), "SIMD"),
        (build_module({1: b"\1\x60\1\x70\0"}), "not in profile plain"),
        (build_module({1: b"\1\x5f\0"}), "only types of functions"),
        (build_module({1: b"\1\x60\x41" + b"\x7f" * 65 + b"\0"}), "65 parameters, at most 64"),
        (build_module({1: b"\1\x60\0\x11" + b"\x7f" * 17}), "17 results, at most 16"),
        (build_module({3: b"\1\1"}), "type 1 is not there"),
        (build_module({6: b"\1\x7d\0\x43\0\0\0\0\x0b"}), "floats"),
        (build_module({6: b"\1\x7f\2\x41\0\x0b"}), "mutable"),
        (build_module({6: b"\1\x7f\0\x41\0\x41\0\x0b"}), "only one number"),
        (build_module({6: b"\2\x7f\0\x41\0\x0b\x7f\0\x23\0\x0b"}), "only one number"),
        (build_module({7: BASE[7] + b"\0"}), "left over"),
        (build_module({7: b"\2" + MEMORY_EXPORT * 2}), "'memory' is there twice"),
        (build_module({7: b"\1\2\xff\xfe\0\0"}), "not UTF-8"),
        (build_module({7: b"\2" + MEMORY_EXPORT + b"\1a\0\1"}), "function 1 is not there"),
        (build_module({7: b"\2" + MEMORY_EXPORT + b"\1a\3\0"}), "global 0 is not there"),
        (build_module({7: b"\2" + MEMORY_EXPORT + b"\1a\5\0"}), "unknown kind"),
        (build_module({7: encode_u32(EXPORTS_MAX + 1) + bytes(9000)}), "exports, at most"),
        (build_module({9: b"\1\0\x41\0\x0b\1\0"}), "without a table"),
        (build_module({4: TABLE, 9: b"\1\0\x41\2\x0b\1\0"}), "does not fit into its table"),
        (build_module({4: TABLE, 9: b"\1\0\x41\x7f\x0b\1\0"}), "does not fit into its table"),
        (build_module({4: TABLE, 9: b"\1\0\x41\0\x0b\1\1"}), "function 1 is not there"),
        (build_module({4: TABLE, 9: b"\1\1\0\1\0"}), "laid into a table"),
        (build_module({4: TABLE, 9: b"\1\x08\0"}), "unknown kind"),
        (build_module({4: TABLE, 9: b"\1\2\0\x41\0\x0b\1\1\0"}), "unknown kind"),
        (build_module({11: b"\1\0\x41\0\x0b\2a"}), "cut off"),
        (build_module({11: b"\1\1\1a"}), "only data laid into memory"),
        (build_module({11: b"\1\0\x41\xff\xff\3\x0b\2ab"}), "does not fit into the memory"),
        (build_module({11: b"\1\2\1\x41\0\x0b\0"}), "memory 1 is not there"),
        (build_module({12: b"\1"}), "announced, none is there"),
        (build_module({12: b"\2", 11: b"\1\0\x41\0\x0b\0"}), "2 data segments are announced"),
        (build_module({13: b"\1\0\0"}), "tags are not in profile plain"),
    ],
)  # fmt: skip
def test_plain_module_is_refused(code: bytes, why: str) -> None:
    with pytest.raises(InvalidModule, match=why) as error:
        check_module(code, PLAIN)
    assert 0 <= error.value.offset <= len(code)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (build_module({1: b"\1\x40"}), "0x40 is no form of a type"),
        (build_module({1: b"\1\x5f\1\x7f\2"}), "mutable"),
        (build_module({1: b"\1\x50\2\0\0\x5f\0"}), "2 types above, at most 1"),
        (build_module({1: b"\1\x60\1\x63\x40\0"}), "no such heap type"),
        (build_module({1: b"\1\x60\1\x65\0"}), "0x65 is no value type"),
        (build_module({1: b"\1\x4e\xff\xff\xff\7"}), "types, at most"),
        (build_module({1: b"\2" + NOTHING + b"\x5e\x7f\0", 3: b"\1\1"}), "not a function's"),
        (build_module({13: b"\1\1\0"}), "a tag of an unknown kind"),
        (build_module({6: b"\1\x70\0\xfb\x02\0\0\x0b"}), "may not stand in a constant"),
        (build_module({6: b"\1\x70\0\x41\1\xfb\x07\0\x0b"}), "0xfb 7 may not stand in a const"),
        (
            build_module({
                1: b"\2" + NOTHING + b"\x5f\1\x7f\0",
                6: build_vector([b"\x6b\0\xfb\1\1\x0b"] * (OBJECTS_SIZE_BYTES_MAX // 40 + 1)),
            }),
            "objects in constants take over 65536 bytes",
        ),
        (
            build_module({
                1: b"\2" + NOTHING + b"\x5e\x7f\0",
                6: b"\1\x6b\0\x41\0\xfb\x08\1\xff\xff\3\x0b",
            }),
            "objects in constants take over 65536 bytes",
        ),
        (build_module({6: b"\1\x7f\0\x20\0\x0b"}), "may not stand in a constant"),
        (build_module({6: b"\1\x7f\0\x23\0\x0b"}), "global 0 is not there"),
        (build_module({4: b"\2" + b"\x70\0\1" * 2}), "2 tables, at most 1"),
    ],
)  # fmt: skip
def test_java_module_is_refused(code: bytes, why: str) -> None:
    with pytest.raises(InvalidModule, match=why):
        check_module(code, JAVA)


def test_every_truncation_is_refused() -> None:
    code = build_module({6: b"\1\x7f\0\x41\0\x0b", 11: b"\1\0\x41\0\x0b\2ab"})
    check_module(code, PLAIN)
    for size in range(len(code) - 10):  # without its data the module is whole
        with pytest.raises(InvalidModule):
            check_module(code[:size], PLAIN)


def test_custom_sections_may_stand_anywhere() -> None:
    parts = [build_section(number, content) for number, content in BASE.items()]
    code = HEADER + CUSTOM + CUSTOM.join(parts) + CUSTOM
    assert check_module(code, PLAIN).methods == ("run",)


def test_data_that_fits_exactly_passes() -> None:
    check_module(build_module({11: b"\1\0\x41\xfe\xff\3\x0b\2ab"}), PLAIN)
    check_module(build_module({4: TABLE, 9: b"\1\2\0\x41\0\x0b\0\2\0\0"}), PLAIN)


def test_exports_of_a_table_and_a_global_are_no_methods() -> None:
    exports = build_vector([MEMORY_EXPORT, b"\1t\1\0", b"\1g\3\0"])
    code = build_module({4: TABLE, 6: b"\1\x7f\0\x41\0\x0b", 7: exports})
    assert check_module(code, PLAIN).methods == ()
