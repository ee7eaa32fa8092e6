"""Calls: of this file's functions, of other contracts, of the language's own."""

from collections.abc import Callable
from typing import Final

from quorate.lang import tree
from quorate.lang.lower import evaluate as ex
from quorate.lang.lower import operators, storage
from quorate.lang.lower.codec import put, take
from quorate.lang.lower.layout import get_kinds, get_slot, load_slot, store_slot
from quorate.lang.lower.writer import Writer, make_bytes
from quorate.lang.program import Function
from quorate.lang.types import I64, NOTHING, STR, Int, List
from quorate.lang.wasm.code import I32


def name_function(function: Function) -> str:
    """Return a function's name in the module."""
    return f"{'method' if function.is_method else 'function'} {function.name}"


def push_call(w: Writer, node: tree.Call) -> None:
    """Call a function of this file."""
    for argument in node.arguments:
        ex.push(w, argument)
    w.call(name_function(node.function))


def push_remote(w: Writer, node: tree.Remote) -> None:
    """Call another contract: what is dirty is stored before, what is kept is forgotten after."""
    address, value, fuel = (ex.hold(w, part) for part in (node.address, node.value, node.fuel))
    arguments = [ex.hold(w, argument) for argument in node.arguments]
    w.call("flush")
    w.call("begin")
    for argument in arguments:
        argument.push(w)
        put(w, argument.type)
    address.push(w)
    w.push_text(node.method.name)
    push_encoded(w)
    value.push(w)
    fuel.push(w)
    w.call("host_call")
    size = w.keep((I32,))
    w.call("forget")
    if node.type == NOTHING:
        return
    w.emit(make_bytes(b"malformed result"), ("global.set", "WHAT"))
    w.get(size)
    w.call("take_returned", node.line)
    take(w, node.type)
    w.call("take_end")


def push_encoded(w: Writer) -> None:
    """Push address and size of what is encoded."""
    w.emit(("global.get", "HEAP"), ("global.get", "OUT"), ("global.get", "HEAP"), ("i32.sub",))


def push_builtin(w: Writer, node: tree.Builtin) -> None:
    """Call a function of the language."""
    name = node.name
    if name in _SPECIAL:
        _SPECIAL[name](w, node)
        return
    for argument in node.arguments:
        ex.push(w, argument)
    function, has_line = _PLAIN[name]
    if function:
        w.call(function, node.line if has_line else None)


def _push_len(w: Writer, node: tree.Builtin) -> None:
    ex.push(w, node.arguments[0])
    if node.arguments[0].type == STR:
        w.call("count_characters")
    else:
        w.emit(("i64.load32_u",))


def _push_str(w: Writer, node: tree.Builtin) -> None:
    ex.push(w, node.arguments[0])
    kind = node.arguments[0].type
    assert isinstance(kind, Int)
    w.call("text_u64" if kind.bits < 64 else f"text_{kind.name}")


def _push_sum(w: Writer, node: tree.Builtin) -> None:
    ex.push(w, node.arguments[0])
    kind = node.arguments[0].type
    assert isinstance(kind, List)
    w.call(operators.make_sum(w, kind), node.line)


def _push_encode(w: Writer, node: tree.Builtin) -> None:
    values = [ex.hold(w, argument) for argument in node.arguments]
    w.call("begin")
    for value in values:
        value.push(w)
        put(w, value.type)
    w.call("finish")


def _push_create_token(w: Writer, node: tree.Builtin) -> None:
    ex.push(w, node.arguments[0])
    spec = w.keep((I32,))
    w.call("begin")
    w.get(spec)
    put(w, node.arguments[0].type)
    w.call("make_token")


def _push_append(w: Writer, node: tree.Builtin) -> None:
    place, items = _find_list(w, node.arguments[0])
    value = ex.hold(w, node.arguments[1])
    _load_list(w, place, items)
    w.emit(("local.get", items), ("i32.const", get_slot(value.type)), ("call", "append"))
    slot = w.keep((I32,))[0]
    value.push(w)
    w.emit(*store_slot(value.type, slot, 0, w.keep(get_kinds(value.type))))
    if place is not None:
        storage.store(w, place, [items])


def _push_pop(w: Writer, node: tree.Builtin) -> None:
    place, items = _find_list(w, node.arguments[0])
    _load_list(w, place, items)
    w.emit(("local.get", items), ("i32.const", get_slot(node.type)))
    w.call("pop", node.line)
    slot = w.keep((I32,))[0]
    w.emit(*load_slot(node.type, slot, 0))
    if place is not None:
        value = w.keep(get_kinds(node.type))
        storage.store(w, place, [items])
        w.get(value)


def _find_list(w: Writer, node: tree.Expression) -> tuple[storage.Place | None, str]:
    """Evaluate where a List is; one in storage is loaded later."""
    if isinstance(node, tree.Variable | tree.Entry):
        return storage.find(w, node), w.make_temp()
    ex.push(w, node)
    return None, w.keep((I32,))[0]


def _load_list(w: Writer, place: storage.Place | None, items: str) -> None:
    if place is not None:
        storage.load(w, place)
        w.set([items])


# Name → the runtime's function, and whether it takes the line.
_PLAIN: Final[dict[str, tuple[str, bool]]] = {
    "transfer": ("host_transfer", False),
    "balance": ("host_balance", False),
    "sha256": ("get_sha256", False),
    "ed25519_verify": ("verify", False),
    "mint_token": ("host_token_mint", False),
    "burn_token": ("host_token_burn", False),
    "transfer_token": ("host_token_transfer", False),
    "token_balance": ("host_token_balance", False),
    "encode_text": ("", False),
    "decode_text": ("bytes_to_text", True),
    "zeros": ("make_zeros", True),
    "address_bytes": ("address_to_bytes", False),
    "to_address": ("bytes_to_address", True),
    "abs": (f"abs_{I64.name}", True),
}

_SPECIAL: Final[dict[str, Callable[[Writer, tree.Builtin], None]]] = {
    "len": _push_len,
    "str": _push_str,
    "min": operators.push_extreme,
    "max": operators.push_extreme,
    "sum": _push_sum,
    "encode": _push_encode,
    "create_token": _push_create_token,
    "append": _push_append,
    "pop": _push_pop,
}
