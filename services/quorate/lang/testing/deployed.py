"""A deployed contract as a test sees it: methods to call, variables to read, events it told."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from quorate.core.contracts.details import CallDone
from quorate.core.contracts.payloads import FUEL_MAX, CallContract
from quorate.lang import Contract, values
from quorate.lang.author import BOUND
from quorate.lang.loader import Bound
from quorate.lang.program import Function, Parameters, Program, strip_name
from quorate.lang.testing.world import World
from quorate.lang.types import NOTHING, Map, Type
from quorate.lang.values import Makers


class Told(NamedTuple):
    """An event: who told it, its name, its fields by name; `told.fields["amount"]`."""

    contract: bytes
    name: str
    fields: dict[str, Any]


class Listener(Protocol):
    """Is told what each call did."""

    def note(self, done: CallDone) -> None:
        """Take what a call did."""
        ...


class Deployed:
    """A contract on a test's chain.

    A method is called as `contract.method(…, caller=somebody, value=0)`, a view needs no caller;
    `contract.variable` reads a variable, `contract.map[key]` an entry of a map,
    `contract.Record(…)` makes a value of one of its records. Beside that it has an `address` only,
    so that no name of a contract is taken.
    """

    def __init__(
        self, address: bytes, program: Program, makers: Makers, world: World, listener: Listener
    ) -> None:
        self.address = address
        self._program, self._makers = program, makers
        self._world, self._listener = world, listener

    def __getattr__(self, name: str) -> Any:
        """Return a method to call, or a variable's value."""
        program: Program = self.__dict__["_program"]
        method = program.methods.get(name)
        if method is not None and method.is_exported:
            return self._bind(method)
        if name in program.records:
            return self._makers[name]
        kind = program.variables.get(name)
        if kind is None:
            raise AttributeError(f"{program.name} has no public method and no variable '{name}'")
        head = bytes([len(name.encode())]) + name.encode()
        if isinstance(kind, Map):
            return Entries(self._read, self._list_keys, head, kind)
        return self._read(kind, head)

    def _read(self, kind: Type, key: bytes) -> Any:
        data = self._world.list_variables(self.address).get(key)
        if data is None:
            return values.make_zero(kind, self._makers)
        return values.decode(kind, data, self._makers)

    def _list_keys(self) -> list[bytes]:
        return list(self._world.list_variables(self.address))

    def _bind(self, method: Function) -> Callable[..., Any]:
        def call(
            *arguments: Any, caller: bytes | None = None, value: int = 0, fuel: int = FUEL_MAX
        ) -> Any:
            if caller is None and not method.is_view:
                raise TypeError(f"who calls '{method.name}'? pass caller=")
            payload = CallContract(
                caller or bytes(32), self.address, method.name,
                encode_arguments(method.parameters, arguments), value, fuel, (),
            )  # fmt: skip
            if method.is_view:
                return self._decode(method, self._world.view(payload))
            done = self._world.call(payload)
            self._listener.note(done)
            return self._decode(method, done.result)

        return call

    def _decode(self, method: Function, result: bytes) -> Any:
        if method.returns == NOTHING:
            assert result == b"", f"'{method.name}' gives nothing, but gave {result.hex()}"
            return None
        return values.decode(method.returns, result, self._makers)


class Entries:
    """A map in storage, or one within another."""

    def __init__(
        self,
        read: Callable[[Type, bytes], Any],
        list_keys: Callable[[], list[bytes]],
        head: bytes,
        kind: Map,
    ) -> None:
        self._read, self._list_keys, self._head, self._kind = read, list_keys, head, kind

    def __getitem__(self, key: Any) -> Any:
        """Return an entry, the zero of its type if there is none, or the map within."""
        head = self._head + values.encode(self._kind.key, key)
        if isinstance(self._kind.value, Map):
            return Entries(self._read, self._list_keys, head, self._kind.value)
        return self._read(self._kind.value, head)

    def __contains__(self, key: Any) -> bool:
        """Tell whether there is an entry, or any in the map within."""
        head = self._head + values.encode(self._kind.key, key)
        if isinstance(self._kind.value, Map):
            return any(each.startswith(head) for each in self._list_keys())
        return head in self._list_keys()


def get_bound(contract: type[Contract]) -> tuple[Program, Makers]:
    """Return what a loaded contract's file declares, and the classes of its records."""
    bound: Bound = getattr(contract, BOUND)
    return bound.program, bound.makers


def encode_arguments(parameters: Parameters, arguments: tuple[Any, ...]) -> bytes:
    """Return the arguments of a call as they travel; raises TypeError if there are not as many."""
    if len(parameters) != len(arguments):
        names = ", ".join(name for name, _ in parameters)
        raise TypeError(f"{len(arguments)} arguments for ({names})")
    pairs = zip(parameters, arguments, strict=True)
    return b"".join(values.encode(kind, argument) for (_, kind), argument in pairs)


def decode_events(
    done: CallDone, programs: Mapping[bytes, tuple[Program, Makers]]
) -> Iterator[Told]:
    """Yield the events of a call; of unknown contracts the field is `data`."""
    for contract, name, data in done.events:
        program, makers = programs.get(contract, (None, {}))
        event = program.events.get(name.decode()) if program else None
        if event is None:
            yield Told(contract, name.decode(), {"data": data})
            continue
        reader = values.Reader(data, makers)
        fields = {strip_name(field): reader.read(kind) for field, kind in event.fields}
        reader.end()
        yield Told(contract, event.name, fields)
