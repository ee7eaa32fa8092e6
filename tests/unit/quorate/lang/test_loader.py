"""What comes from outside is decoded strictly: by the class and by the build alike."""

from typing import Any

import pytest

from quorate.core.contracts.payloads import FUEL_MAX, CallContract
from quorate.lang.testing.failures import CallFailed, fails
from tests.unit.quorate.lang.pair import Pair, make_source

ADDRESS = b"\xaa" * 32
BAD: dict[str, list[bytes]] = {
    "bool": [b"", b"\2", b"\xff", b"\1\0"],
    "u8": [b"", b"\1\0"],
    "u32": [b"\1\0\0", b"\1\0\0\0\0"],
    "u64": [b"", bytes(7), bytes(9)],
    "i64": [bytes(7), bytes(9)],
    "u128": [bytes(15), bytes(17), bytes(8)],
    "Address": [ADDRESS[1:], ADDRESS + b"\0"],
    "bytes": [
        b"",
        b"\1\0\0",
        b"\1\0\0\0",
        b"\0\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\x7fa",
    ],
    "str": [b"\1\0\0\0\xff", b"\2\0\0\0\xc3\x28", b"\2\0\0\0a", b"\1\0\0\0ab"],
    "List[u64]": [b"\1\0\0\0" + bytes(7), b"\1\0\0\0" + bytes(9), b"\xff" * 4 + bytes(64)],
    "List[bool]": [b"\2\0\0\0\1\2", b"\xff\0\0\0\1"],
    "List[List[str]]": [b"\1\0\0\0\1\0\0\0\1\0\0\0\x80", b"\1\0\0\0\5\0\0\0"],
    "tuple[u8, str]": [b"\1", b"\1\0\0\0\0\0"],
    "Offer": [bytes(8), bytes(10), bytes(8) + b"\3"],
    "tuple[bool, u64]": [b"\2" + bytes(8), bytes(10)],
}
GOOD = {"bool": b"\1", "Offer": bytes(9), "str": b"\2\0\0\0\xc3\xa4", "u64": b"\1" * 8}


def call_raw(pair: Pair, data: bytes) -> list[Any]:
    """Call `run` with bytes as they are; return how that ended on both chains."""
    ends: list[Any] = []
    for chain, contract in zip(pair.chains, pair.deployed[0], strict=True):
        payload = CallContract(
            chain.account("owner"), contract.address, "run", data, 0, FUEL_MAX, ()
        )
        try:
            ends.append(contract._world.call(payload).result)
        except CallFailed as failed:
            ends.append((failed.reason, failed.text, failed.line > 0))
    return ends


def make_pair(kind: str) -> Pair:
    head = "class Offer(Record):\n    price: u64\n    open: bool\n"
    return Pair(make_source(f"@public\ndef run(self, x: {kind}):\n    pass\n", head=head))


@pytest.mark.parametrize("kind", BAD)
def test_malformed_arguments_revert(kind: str) -> None:
    pair = make_pair(kind)
    for data in BAD[kind]:
        assert call_raw(pair, data) == [("REVERTED", "malformed arguments", True)] * 2, data.hex()


@pytest.mark.parametrize("kind", GOOD)
def test_well_formed_arguments_are_taken(kind: str) -> None:
    assert call_raw(make_pair(kind), GOOD[kind]) == [b"", b""]


def test_a_method_without_parameters_takes_no_bytes() -> None:
    pair = Pair(make_source("@public\ndef run(self):\n    pass\n"))
    assert call_raw(pair, b"\0") == [("REVERTED", "malformed arguments", True)] * 2
    assert call_raw(pair, b"") == [b"", b""]


def test_records_lie_where_the_abi_says() -> None:
    pair = Pair(
        make_source(
            """
            @public
            def run(self, a: Address, text: str):
                self.count = 258
                self.held[a] = 1
                self.nested[(7, text)][True] = "x"
                self.pairs.append((1, -1))
            """,
            variables="""
            count: u32
            held: Map[Address, u128]
            nested: Map[tuple[u8, str], Map[bool, str]]
            pairs: List[tuple[u8, i64]]
            """,
        )
    )
    pair.call("run", ADDRESS, "ä")
    assert pair.chains[1].records(pair.deployed[0][1]) == {
        b"\x05count": b"\x02\x01\0\0",
        b"\x04held" + ADDRESS: b"\1" + bytes(15),
        b"\x06nested\x07\2\0\0\0\xc3\xa4\x01": b"\1\0\0\0x",
        b"\x05pairs": b"\1\0\0\0\1" + b"\xff" * 8,
    }


def test_names_of_the_shim_are_free_for_contracts() -> None:
    head = """
        class Other(Interface):
            def call(self, value: u64) -> u64: ...

        class Told(Event):
            encode_fields: u64
            name: str

        class Kept(Record):
            fields: u64
            call: u64
    """
    methods = """
        @public
        def call(self, value: u64) -> u64:
            self.bound += value
            emit(Told(self.bound, "x"))
            return self.load_variable(Kept(1, value))

        def load_variable(self, kept: Kept) -> u64:
            return kept.call + self.store_variable

        @public
        def run(self, to: Address) -> u64:
            return Other(to).call(5)

        @public
        def bytes(self, x: bytes, tuple: tuple[u8, u8]) -> tuple[bytes, tuple[u8, u8]]:
            return x, tuple
    """
    variables = "bound: u64\nstore_variable: u64\nget_list: List[u64]"
    source = make_source(methods, head=head, variables=variables)
    pair = Pair(source)
    first = pair.deployed[0][1].address
    assert pair.add(source) is None
    assert pair.call("run", first) == 5
    assert pair.call("bytes", b"x", (1, 2)) == (b"x", (1, 2))


def test_calls_without_end_are_traps() -> None:
    pair = Pair(make_source("@public\ndef run(self, n: u64) -> u64:\n    return self.run(n + 1)\n"))
    for chain, contract in zip(pair.chains, pair.deployed[0], strict=True):
        with fails("TRAPPED"):
            contract.run(1, caller=chain.account("owner"))
