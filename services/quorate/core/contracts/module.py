"""Checks a contract's module: what passes, every engine of ours can take (docs/contract-abi.md).

Pure and the same on every validator. Types of operands are left to the engine's own validation,
which comes after this check, on a module whose size, shape and instructions are known by then.
"""

import re
from typing import Final, NamedTuple

from quorate.core.contracts import limits
from quorate.core.contracts.bodies import Walker
from quorate.core.contracts.host_functions import TRACE_LINE
from quorate.core.contracts.sections import read_shape
from quorate.core.contracts.shape import I32, I64, JAVA, PLAIN, Export, Shape
from quorate.core.errors import InvalidModule

INIT: Final = "init"
MEMORY: Final = "memory"
_METHOD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_NUMBERS: Final = (I32, I64)
_FUNCTION_KIND, _TABLE_KIND, _MEMORY_KIND, _GLOBAL_KIND, _TAG_KIND = range(5)


class Module(NamedTuple):
    """What a module that passed offers."""

    methods: tuple[str, ...]  # in the order of its exports, without `init`
    has_init: bool


def check_module(code: bytes, profile: int, *, tracing: bool = False) -> Module:
    """Check a module against docs/contract-abi.md; raises InvalidModule with rule and byte.

    `tracing` lets `trace_line` pass, which a deployed module must not import.
    """
    if profile not in (PLAIN, JAVA):
        raise InvalidModule(f"there is no profile {profile}", 0)
    if len(code) > limits.CODE_SIZE_BYTES_MAX:
        raise InvalidModule(
            f"{len(code)} bytes, at most {limits.CODE_SIZE_BYTES_MAX} are allowed",
            limits.CODE_SIZE_BYTES_MAX,
        )
    shape = read_shape(code, is_java=profile == JAVA)
    if TRACE_LINE in shape.imports and not tracing:
        raise InvalidModule(f"import {TRACE_LINE} is only for builds to trace", 0)
    methods = _check_exports(shape, len(code))
    _check_bodies(code, shape)
    return Module(tuple(name for name in methods if name != INIT), INIT in methods)


def _check_bodies(code: bytes, shape: Shape) -> None:
    walker = Walker(code, shape)
    weight = 0
    for number, (start, _) in enumerate(shape.bodies):
        weight += walker.walk(number).weight
        if weight > limits.BRANCHES_TIMES_LOCALS_OF_ALL_MAX:
            raise InvalidModule(
                "branches times locals, added up over functions, are over "
                f"{limits.BRANCHES_TIMES_LOCALS_OF_ALL_MAX}", start,
            )  # fmt: skip


def _check_exports(shape: Shape, size: int) -> list[str]:
    methods = []
    has_memory = False
    for export in shape.exports:
        is_callable = _is_callable(shape, export)
        if export.name == MEMORY and export.kind != _MEMORY_KIND:
            raise InvalidModule("export 'memory' is not the memory", export.offset)
        if export.name == INIT and not is_callable:
            raise InvalidModule("init is no function that takes and gives nothing", export.offset)
        if is_callable and _METHOD.fullmatch(export.name):
            methods.append(export.name)
        has_memory |= export.name == MEMORY
    if not has_memory:
        raise InvalidModule("the memory is not exported as 'memory'", size)
    return methods


def _is_callable(shape: Shape, export: Export) -> bool:
    """Tell whether an export is a function () → (); raises InvalidModule for odd exports."""
    if export.kind == _TAG_KIND:
        raise InvalidModule(f"export '{export.name}' is a tag", export.offset)
    if export.kind == _TABLE_KIND:
        types = bytes(shape.is_java)
    elif export.kind == _GLOBAL_KIND:
        types = bytes([shape.globals[export.item].type])
    elif export.kind == _FUNCTION_KIND:
        function = shape.types[shape.functions[export.item]]
        types = function.parameters + function.results
    else:
        types = b""
    if any(each not in _NUMBERS for each in types):
        raise InvalidModule(
            f"export '{export.name}' is of another type than i32 and i64", export.offset
        )
    return export.kind == _FUNCTION_KIND and not types
