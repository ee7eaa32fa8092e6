"""The compiler: typed Python in, a WebAssembly module and its interface out."""

from typing import NamedTuple

from quorate.lang.check import check
from quorate.lang.errors import refuse_depth
from quorate.lang.interface import make_interface
from quorate.lang.lower import lower
from quorate.lang.wasm.module import encode_module


class Built(NamedTuple):
    """What is deployed: the module, and the document that describes it."""

    code: bytes
    interface: bytes


def build(source: str, path: str, *, tracing: bool = False) -> Built:
    """Compile a contract's file; raises InvalidContract with all that is wrong with it.

    The result is the same, byte for byte, for the same source. With `tracing`, the module tells
    its lines as it runs (only for `quorate contract trace`).
    """
    checked = check(source, path)
    try:
        module = lower(checked.contract, tracing=tracing)
    except RecursionError as error:
        raise refuse_depth(path, source) from error
    return Built(encode_module(module), make_interface(checked.program))
