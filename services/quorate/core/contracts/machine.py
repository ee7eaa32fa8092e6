"""What core asks of whatever runs WebAssembly, and what can stop a run."""

from typing import NamedTuple, Protocol

from quorate.core.outcomes import Failed


class Code(NamedTuple):
    """A module as a machine knows it: by the hash of its bytes, and its profile."""

    hash: bytes
    profile: int


class Stopped(Failed):
    """A contract's run is over without success; `reason` is one of the contract reasons.

    `text` is for people, at most TEXT_BYTES_MAX bytes; `line` is of the source, 0 when unknown.
    """

    def __init__(self, reason: str, text: str = "", line: int = 0) -> None:
        super().__init__(reason)
        self.text, self.line = text, line


class Environment(Protocol):
    """What a machine needs to know of the host in order to run; the rest is its imports' matter."""

    fuel: int

    def read_code(self, code_hash: bytes) -> bytes:
        """Return the bytes of a module."""
        ...


class Machine(Protocol):
    """Runs a contract's method in a fresh instance.

    The instance's imports act on `host`, which is a core.contracts.host.Host. When `run` returns or
    raises, `host.fuel` is what is left of the fuel that was there.
    """

    def prepare(self, code: Code, host: Environment) -> None:
        """Get a module ready to run; raises Stopped (BAD_MODULE) when no engine takes it."""
        ...

    def run(self, code: Code, method: str, host: Environment) -> None:
        """Run a method; raises Stopped (TRAPPED, NO_METHOD, …) or what the host did."""
        ...
