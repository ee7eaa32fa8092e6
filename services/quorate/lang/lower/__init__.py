"""From the typed tree to a module: the functions of the file, and what is called from outside."""

from quorate.lang import tree
from quorate.lang.lower.calls import name_function, push_encoded
from quorate.lang.lower.codec import put, take
from quorate.lang.lower.imports import IMPORTS
from quorate.lang.lower.layout import ZERO_BYTES, get_kinds
from quorate.lang.lower.low import GLOBALS
from quorate.lang.lower.runtime import load_runtime
from quorate.lang.lower.statements import write_all
from quorate.lang.lower.storage import declare_globals, make_flush
from quorate.lang.lower.writer import Builder, Writer, make_bytes
from quorate.lang.program import Function
from quorate.lang.types import NOTHING
from quorate.lang.wasm.code import I32, Module


def lower(contract: tree.Contract, *, tracing: bool) -> Module:
    """Return the module of a checked file."""
    module = Module(IMPORTS, dict(load_runtime()), dict.fromkeys(GLOBALS, I32))
    module.data_start, module.heap = ZERO_BYTES, "HEAP"
    builder = Builder(contract.program, module, tracing=tracing)
    declare_globals(builder)
    for body in contract.bodies:
        _write_body(builder, body)
    make_flush(builder)
    for method in contract.program.methods.values():
        if method.is_exported:
            name = "init" if method.name == "__init__" else method.name
            module.exports[name] = _write_export(builder, method)
    return module


def _write_body(builder: Builder, body: tree.Body) -> None:
    function = body.function
    w = Writer(builder, name_function(function), get_kinds(function.returns))
    w.add_parameters(function.parameters)
    for name, kind in body.locals.items():
        w.declare(name, kind)
    write_all(w, body.statements)
    w.finish()


def _write_export(builder: Builder, method: Function) -> str:
    """Write what is called from outside: arguments in, the method, its result out."""
    w = Writer(builder, f"export {method.name}")
    line = method.node.lineno
    if not method.is_payable:
        w.emit(("call", "host_value"), ("i64.eqz",), ("i32.eqz",), ("if", w.make_label(), ()))
        w.push_text("this method takes no value")
        w.call("fail", line)
        w.emit(("end",))
    w.emit(make_bytes(b"malformed arguments"), ("global.set", "WHAT"))
    w.call("take_input", line)
    for _, kind in method.parameters:
        take(w, kind)
    w.call("take_end")
    w.call(name_function(method))
    if method.returns != NOTHING:
        result = w.keep(get_kinds(method.returns))
        w.call("begin")
        w.get(result)
        put(w, method.returns)
        push_encoded(w)
        w.call("host_output")
    if not method.is_view:
        w.call("flush")
    return w.finish()
