"""Contracts by their interface: methods are called like those of an object.

    async with Client("127.0.0.1:7600") as client, Sender(client, key) as sender:
        token = await deploy(client, sender, built, "Gold", 1_000)
        await token.transfer(to, 5)                    # sent, executed, its result returned
        await token.view.balance_of(to)                # on the latest state, nothing is sent
        await token.read("balances", to)               # a global variable
        async for told in token.watch("Transferred"):  # events, as they come
            print(told.fields["amount"])

Values are as in core/contracts/values.py. A call that fails raises ContractFailed, which has the
reason, the contract's own text and the source line; it is tried first, so most failures cost
nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, NamedTuple, Protocol, Self

from quorate.core.contracts.abi_types import MapOf
from quorate.core.contracts.payloads import CONSTRUCTOR, CallContract, DeployContract
from quorate.core.contracts.records import compute_contract_address
from quorate.core.contracts.values import compute_zero, decode_all, decode_value, encode_fields
from quorate.core.errors import InvalidInput, NotFound
from quorate.sdk.client import Client
from quorate.sdk.contract_interface import (
    Interface,
    Method,
    compute_key,
    decode_event,
    parse_interface,
)
from quorate.sdk.contract_messages import Asked, ContractInfo, Detail, EventRecord, Place
from quorate.sdk.contract_sending import ContractFailed, ContractPayload, Done, fit, send
from quorate.sdk.payloads import SENDER
from quorate.sdk.sender import Sender
from quorate.sdk.values import Receipt

_PAGE: Final = 100


class Built(Protocol):
    """A contract that was compiled."""

    @property
    def code(self) -> bytes:
        """The module."""
        ...

    @property
    def interface(self) -> bytes:
        """What is in it, as JSON; empty: nobody says."""
        ...


class Deal(NamedTuple):
    """How a payload is sent: the native `value` it brings, its tip (None: as advised).

    `fuel_limit` None: it is tried first, and gets what it needs.
    """

    value: int = 0
    tip: int | None = None
    fuel_limit: int | None = None


class Called(NamedTuple):
    """A call that took effect: its result (None if it has none), and all else it did."""

    result: Any
    receipt: Receipt
    detail: Detail


class Told(NamedTuple):
    """An event; `fields` is None when the interface does not have it so."""

    name: str
    fields: dict[str, Any] | None
    record: EventRecord


class Contract:
    """A contract at an address; its methods are attributes, views are under `view`.

    Without a sender it can only be read. A method whose name is taken here: `call("watch", …)`.
    """

    def __init__(
        self, client: Client, address: bytes, interface: Interface, sender: Sender | None = None
    ) -> None:
        self.address, self.interface = address, interface
        self.view = Views(client, self)
        self._client, self._sender = client, sender
        self.info: ContractInfo | None = None

    @classmethod
    async def at(cls, client: Client, address: bytes, sender: Sender | None = None) -> Self:
        """Return the contract at an address; its interface is read once.

        Raises NotFound (NO_CONTRACT, or NO_INTERFACE when it was deployed without one), or
        WrongInterface.
        """
        found = await client.contracts.get(address)
        if not found.interface:
            raise NotFound(
                "this contract has no interface: only client.contracts can read and call it",
                reason="NO_INTERFACE",
            )
        contract = cls(client, address, parse_interface(found.interface), sender)
        contract.info = found.info
        return contract

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        """Return a method of the contract: it sends a call, and returns its result."""
        if name.startswith("__"):
            raise AttributeError(name)
        method = _find(self.interface, name)

        async def call(*arguments: Any, **how: Any) -> Any:
            return (await self.call(method.name, *arguments, **how)).result

        call.__doc__ = method.doc
        return call

    async def call(
        self,
        method: str,
        *arguments: Any,
        value: int = 0,
        tip: int | None = None,
        fuel_limit: int | None = None,
    ) -> Called:
        """Send a call and return what it did, once executed; see Deal for what can be said.

        Raises ContractFailed, or whatever Sender.send raises.
        """
        found = self.interface.find_method(method)
        data = encode_fields(found.parameters, arguments, self.interface.records)
        sender = self._get_sender()
        payload: ContractPayload = CallContract(
            SENDER, self.address, method, data, value, fuel_limit or 0, ()
        )
        if fuel_limit is None:
            payload = await fit(self._client, sender.address, payload)
        done = await send(self._client, sender, payload, tip=tip)
        return Called(self.decode_result(found, done.detail.calls[0].result), *done)

    def decode_result(self, method: Method, data: bytes) -> Any:
        """Return the result of a method; None when it gives none. Raises MalformedBytes."""
        if not method.returns:
            return None
        return decode_value(method.returns, data, self.interface.records)

    async def read(self, variable: str, *keys: Any, height: int = 0) -> Any:
        """Return a global variable, or the entry of a map; what was never stored is zero.

        `height`: as it was after that block, within the changes that are kept.
        """
        key = compute_key(self.interface, variable, *keys)
        page = await self._client.contracts.state(self.address, key, page_size=1, height=height)
        type_ = self.interface.records.resolve(self.interface.find_variable(variable))
        while isinstance(type_, MapOf):
            type_ = type_.value
        if not page.records or page.records[0].key != key:
            return compute_zero(type_)
        return decode_all([type_], page.records[0].value, variable)[0]

    async def list_events(
        self, name: str = "", after: Place | None = None, *, newest_first: bool = False
    ) -> AsyncIterator[Told]:
        """Yield the events up to now; `name` "": of all names."""
        while True:
            page = await self._client.contracts.events(
                self.address, name, after=after, page_size=_PAGE, newest_first=newest_first
            )
            for record in page.events:
                yield self._tell(record)
            if page.next is None:
                return
            after = page.next

    async def watch(self, name: str = "", after: Place | None = None) -> AsyncIterator[Told]:
        """Yield events after a place (None: from now on), for ever, across reconnections."""
        events = self._client.contracts.watch_events(self.address, name, after=after)
        async for record in events:
            yield self._tell(record)

    def _tell(self, record: EventRecord) -> Told:
        event = record.event
        return Told(event.name, decode_event(self.interface, event.name, event.data), record)

    def _get_sender(self) -> Sender:
        if self._sender is None:
            raise InvalidInput("a call needs a sender: Contract.at(client, address, sender)")
        return self._sender


class Views:
    """A contract's views as attributes: `await contract.view.balance_of(address)`."""

    def __init__(self, client: Client, contract: Contract) -> None:
        self._client, self._contract = client, contract

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        """Return a method that is run on the latest state and must change nothing."""
        if name.startswith("__"):
            raise AttributeError(name)
        contract, client = self._contract, self._client
        method = _find(contract.interface, name)

        async def view(*arguments: Any, caller: bytes = b"") -> Any:
            data = encode_fields(method.parameters, arguments, contract.interface.records)
            asked = Asked(contract.address, method.name, data, caller)
            outcome = await client.contracts.view(asked)
            if outcome.failure is not None:
                raise ContractFailed(outcome.failure, None)
            return contract.decode_result(method, outcome.result)

        view.__doc__ = method.doc
        return view


async def deploy(
    client: Client,
    sender: Sender,
    built: Built,
    *arguments: Any,
    deal: Deal | None = None,
    profile: int = 0,
    reentrant: bool = False,
) -> Contract:
    """Deploy a contract and return it, once its constructor has run.

    Raises ContractFailed (BAD_MODULE, or what the constructor failed with), or whatever
    Sender.send raises.
    """
    deal = deal or Deal()
    interface = parse_interface(built.interface)
    data = encode_fields(interface.constructor.parameters, arguments, interface.records)
    payload: ContractPayload = DeployContract(
        SENDER, built.code, built.interface, profile, reentrant, data, deal.value,
        deal.fuel_limit or 0,
    )  # fmt: skip
    if deal.fuel_limit is None:
        payload = await fit(client, sender.address, payload)
    done: Done = await send(client, sender, payload, tip=deal.tip)
    address = compute_contract_address(done.receipt.id, 0)
    return Contract(client, address, interface, sender)


def _find(interface: Interface, name: str) -> Method:
    """Return a method; raises AttributeError as Python does for a name that is not there."""
    try:
        return interface.find_method(name)
    except NotFound as error:
        hint = f" ({CONSTRUCTOR} is run by deploying)" if name == CONSTRUCTOR else ""
        raise AttributeError(error.message + hint) from error
