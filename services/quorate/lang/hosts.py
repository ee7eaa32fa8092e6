"""The host that a contract under plain CPython talks to: whichever runs at this moment."""

from typing import Any, NoReturn, Protocol

from quorate.core.errors import InvalidInput


class Frame(Protocol):
    """The contract that runs, as its host knows it."""

    @property
    def address(self) -> bytes:
        """Its address."""
        ...

    @property
    def caller(self) -> bytes:
        """Who called it."""
        ...

    @property
    def input(self) -> bytes:
        """The encoded arguments."""
        ...

    @property
    def value(self) -> int:
        """The native amount that came with the call."""
        ...


class Host(Protocol):
    """What a contract may ask for; core.contracts.host.Host is one."""

    origin: bytes
    height: int
    time_ms: int

    @property
    def frame(self) -> Any:
        """The Frame that runs."""
        ...

    def load(self, key: bytes) -> bytes:
        """Return a record, b"" if there is none."""
        ...

    def store(self, key: bytes, value: bytes) -> None:
        """Write a record; b"" removes it."""
        ...

    def set_output(self, data: bytes) -> None:
        """Set the result."""
        ...

    def balance(self, address: bytes) -> int:
        """Return a native balance."""
        ...

    def transfer(self, to: bytes, amount: int) -> None:
        """Send native tokens."""
        ...

    def emit(self, name: bytes, data: bytes) -> None:
        """Tell an event."""
        ...

    def call(
        self, contract: bytes, method: bytes, arguments: bytes, value: int, fuel: int
    ) -> bytes:
        """Call another contract; return its result."""
        ...

    def token_create(self, spec: bytes) -> bytes:
        """Make a token."""
        ...

    def token_mint(self, token: bytes, to: bytes, amount: int) -> None:
        """Make more of a token."""
        ...

    def token_burn(self, token: bytes, amount: int) -> None:
        """Destroy tokens."""
        ...

    def token_transfer(self, token: bytes, to: bytes, amount: int) -> None:
        """Send tokens."""
        ...

    def token_balance(self, token: bytes, address: bytes) -> int:
        """Return what somebody holds."""
        ...

    def revert(self, text: bytes, line: int) -> NoReturn:
        """End the transaction."""
        ...


class Reverted(InvalidInput):
    """A contract gave up where no host runs, or is about to tell its host so."""

    reason = "REVERTED"

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text, line=line)
        self.text, self.line = text, line


_running: list[Host] = []


def get_host() -> Host:
    """Return the host of the contract that runs."""
    assert _running, "only a running contract can ask the chain for something"
    return _running[-1]


def push_host(host: Host) -> None:
    """A contract starts to run."""
    _running.append(host)


def pop_host() -> None:
    """The contract that ran last has ended."""
    _running.pop()
