"""A contract's file as a class that runs under plain CPython, on whatever host it is given."""

import __future__

import linecache
import traceback
from typing import Any

from quorate.core.contracts.machine import Stopped
from quorate.core.errors import MalformedBytes
from quorate.lang import author, hosts, storage
from quorate.lang.check import check
from quorate.lang.checked import (
    DIVISION,
    MALFORMED,
    MALFORMED_RESULT,
    NO_ITEM,
    NO_TEXT,
    NOT_PAYABLE,
    Helpers,
)
from quorate.lang.errors import refuse_depth
from quorate.lang.hosts import Host, Reverted
from quorate.lang.program import Event, Function, Program
from quorate.lang.rewrite import HELPERS, LISTS, rewrite
from quorate.lang.storage import StoredList, StoredMap, compute_prefix
from quorate.lang.types import NOTHING, List, Map
from quorate.lang.values import Makers, Reader, decode, encode

# What CPython itself raises where a build reverts.
_TEXTS: dict[type[Exception], str] = {
    IndexError: NO_ITEM,
    UnicodeDecodeError: NO_TEXT,
    MalformedBytes: MALFORMED_RESULT,
    ZeroDivisionError: DIVISION,
}


def load_contract(source: str, path: str) -> type[author.Contract]:
    """Check a file and return its contract's class; raises InvalidContract."""
    checked = check(source, path)
    helpers = Helpers(kind for mark in checked.marks.values() for kind in mark.types)
    namespace: dict[str, Any] = {"__name__": author.__name__, HELPERS: helpers}
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    try:
        # Annotations are for checking only: CPython shall not evaluate them.
        flags = __future__.annotations.compiler_flag
        exec(compile(rewrite(checked), path, "exec", flags), namespace)  # noqa: S102
    except RecursionError as error:
        raise refuse_depth(path, source) from error
    return _bind(checked.program, namespace)


def run_method(contract: type[author.Contract], method: str, host: Host) -> None:
    """Run a method ("init": the constructor) on the host's frame, as a build would run it.

    What makes a build revert makes `host.revert` be called, with the same text and line; calls
    too deep for CPython raise Stopped (TRAPPED), as far deeper ones do in a build.
    """
    bound: Bound = getattr(contract, author.BOUND)
    function = bound.program.methods["__init__" if method == "init" else method]
    assert function.is_exported, "only public methods can be called"
    hosts.push_host(host)
    try:
        bound.run(contract, function, host)
    except Reverted as error:
        host.revert(error.text.encode()[:256], error.line)
    except tuple(_TEXTS) as error:
        host.revert(_TEXTS[type(error)].encode(), _find_line(error, bound.program.path))
    except RecursionError as error:
        raise Stopped("TRAPPED", "functions call each other too deep for CPython") from error
    finally:
        hosts.pop_host()


def get_bound(contract: type[author.Contract]) -> tuple[Program, Makers]:
    """Return what a loaded contract declares, and the classes of its records."""
    bound: Bound = getattr(contract, author.BOUND)
    return bound.program, bound.makers


class Bound:
    """A program and the classes its records became."""

    def __init__(self, program: Program, makers: Makers) -> None:
        self.program, self.makers = program, makers

    def run(self, contract: type[author.Contract], function: Function, host: Host) -> None:
        """Run a method: arguments in, result out."""
        line = function.node.lineno
        if host.frame.value and not function.is_payable:
            raise Reverted(NOT_PAYABLE, line)
        arguments = self._read_arguments(function, host.frame.input)
        instance = object.__new__(contract)
        result = getattr(contract, function.name)(instance, *arguments)
        if function.returns != NOTHING:
            host.set_output(encode(function.returns, result))

    def load_variable(self, name: str) -> Any:
        """Read a variable of the contract."""
        kind = self.program.variables.get(name)
        if kind is None:
            raise AttributeError(name)
        if isinstance(kind, Map):
            return StoredMap(compute_prefix(name), kind, self.makers)
        return storage.load(compute_prefix(name), kind, self.makers)

    def store_variable(self, name: str, value: Any) -> None:
        """Write a variable of the contract."""
        storage.store(compute_prefix(name), self.program.variables[name], value)

    def get_list(self, name: str) -> StoredList:
        """Return a variable that is a List, so that changes are stored."""
        kind = self.program.variables[name]
        assert isinstance(kind, List)
        return StoredList(compute_prefix(name), kind, self.makers)

    def _read_arguments(self, function: Function, data: bytes) -> list[Any]:
        reader = Reader(data, self.makers)
        try:
            values = [reader.read(kind) for _, kind in function.parameters]
            reader.end()
        except MalformedBytes as error:
            raise Reverted(MALFORMED, function.node.lineno) from error
        return values


def _bind(program: Program, namespace: dict[str, Any]) -> type[author.Contract]:
    makers: Makers = {name: namespace[name] for name in program.records if name in namespace}
    makers[author.TokenSpec.__name__] = author.TokenSpec
    bound = Bound(program, makers)
    for event in program.events.values():
        setattr(namespace[event.name], author.ENCODE, _make_encoder(event))
    for interface in program.interfaces.values():
        for method in interface.methods.values():
            setattr(namespace[interface.name], method.name, _make_caller(method, makers))
    namespace[LISTS] = bound
    contract: type[author.Contract] = namespace[program.name]
    setattr(contract, author.BOUND, bound)
    return contract


def _make_encoder(event: Event) -> Any:
    def encode_fields(self: Any) -> bytes:
        return b"".join(encode(kind, getattr(self, name)) for name, kind in event.fields)

    return encode_fields


def _make_caller(method: Function, makers: Makers) -> Any:
    def call(self: Any, *values: Any) -> Any:
        pairs = zip(method.parameters, values, strict=True)
        arguments = b"".join(encode(kind, x) for (_, kind), x in pairs)
        address, value, fuel = self.__dict__[author.CALL]
        data = hosts.get_host().call(address, method.name.encode(), arguments, value, fuel)
        return None if method.returns == NOTHING else decode(method.returns, data, makers)

    return call


def _find_line(error: BaseException, path: str) -> int:
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    return lines[-1] or 0 if lines else 0
