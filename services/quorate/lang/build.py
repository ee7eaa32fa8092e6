"""The compiler: typed Python in, a WebAssembly module and its interface out."""

from typing import NamedTuple

from quorate.core.contracts.module import check_module
from quorate.core.contracts.payloads import INTERFACE_BYTES_MAX, PROFILE_PLAIN
from quorate.core.errors import InvalidModule
from quorate.lang.check import Checked, check, get_head
from quorate.lang.errors import InvalidContract, Problems, refuse_depth
from quorate.lang.interface import make_interface
from quorate.lang.lower import lower
from quorate.lang.lower.calls import name_function
from quorate.lang.program import Program
from quorate.lang.wasm.code import Module
from quorate.lang.wasm.module import encode_module, find_function


class Built(NamedTuple):
    """What is deployed: the module, and the document that describes it."""

    code: bytes
    interface: bytes


def build(source: str, path: str, *, tracing: bool = False) -> Built:
    """Compile a contract's file; raises InvalidContract with all that is wrong with it.

    The result is the same, byte for byte, for the same source. With `tracing`, for `quorate
    contract trace`, the module tells its lines, and stores what a line sets before the next one.
    """
    checked = check(source, path)
    try:
        module = lower(checked.contract, tracing=tracing)
    except RecursionError as error:
        raise refuse_depth(path, source) from error
    code = encode_module(module)
    try:
        check_module(code, PROFILE_PLAIN, tracing=tracing)
    except InvalidModule as error:
        raise _explain(checked, module, error) from error
    interface = make_interface(checked.program)
    if len(interface) > INTERFACE_BYTES_MAX:
        raise _refuse_size(checked.program, f"its interface has {len(interface)} bytes")
    return Built(code, interface)


def _explain(checked: Checked, module: Module, error: InvalidModule) -> InvalidContract:
    """Say which function is too large for the chain."""
    program = checked.program
    problems = Problems(program.source)
    reached = find_function(module, error.offset)
    for body in checked.contract.bodies:
        if name_function(body.function) == reached:
            problems.note(
                get_head(body.function.node),
                f"`{body.function.name}` is too large: {error.message}",
                "split it into several functions",
            )
    if not problems.found:
        return _refuse_size(program, error.message)
    return InvalidContract(program.path, program.source, problems.found)


def _refuse_size(program: Program, why: str) -> InvalidContract:
    problems = Problems(program.source)
    head = program.contract or program.tree.body[-1]
    problems.note(head, f"the contract is too large: {why}", "make two of it")
    return InvalidContract(program.path, program.source, problems.found)
