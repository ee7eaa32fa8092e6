"""One contract on two chains: its class under CPython, and its build on the real machine."""

from collections.abc import Sequence
from textwrap import dedent, indent
from typing import Any

from quorate.lang.testing.chain import Chain
from quorate.lang.testing.failures import CallFailed

BACKENDS = ("shim", "compiled")
HEAD = """\
from quorate.lang import (
    NO_ADDRESS, Address, Contract, Event, Interface, List, Map, Record, TokenSpec, balance,
    burn_token, create_token, ed25519_verify, emit, encode, i64, mint_token, payable, public,
    revert, sha256, token_balance, transfer, transfer_token, u8, u32, u64, u128, view,
)
"""


class Pair:
    """Calls go to both chains, and must end the same: result or failure, records, events."""

    def __init__(self, source: str, *arguments: Any) -> None:
        self.chains = [Chain(backend=backend) for backend in BACKENDS]
        self.source = source
        self.deployed: list[list[Any]] = []
        self.failure = self.add(source, *arguments)

    def add(self, source: str, *arguments: Any) -> tuple[str, str, int] | None:
        """Deploy one more contract on both; return how that failed, if it did."""
        found, failures = [], []
        for chain in self.chains:
            try:
                found.append(
                    chain.deploy_source(
                        (source, "contract.py"), *arguments, caller=chain.account("owner")
                    )
                )
                failures.append(None)
            except CallFailed as failed:
                failures.append((failed.reason, failed.text, failed.line))
        assert failures[0] == failures[1]
        self.deployed.append(found)
        return failures[0]

    def call(self, method: str, *arguments: Any, value: int = 0) -> Any:
        """Call a method of the last contract on both; return what both gave."""
        ends = [
            self._call(chain, contract, method, arguments, value)
            for chain, contract in zip(self.chains, self.deployed[-1], strict=True)
        ]
        assert ends[0] == ends[1], f"{method}{arguments}"
        for contracts in self.deployed:
            records = [
                chain.records(each) for chain, each in zip(self.chains, contracts, strict=True)
            ]
            assert records[0] == records[1]
        events = [[(e.name, repr(e.fields)) for e in chain.events] for chain in self.chains]
        assert events[0] == events[1]
        return ends[0]

    def _call(
        self, chain: Chain, contract: Any, method: str, arguments: Sequence[Any], value: int
    ) -> Any:
        try:
            found = getattr(contract, method)(
                *arguments, caller=chain.account("owner"), value=value
            )
        except CallFailed as failed:
            return failed.reason, failed.text, failed.line
        return repr(found) if hasattr(found, "__dataclass_fields__") else found


def make_source(methods: str, *, head: str = "", variables: str = "") -> str:
    """Return a file with one contract."""
    body = indent(dedent(variables) + "\n" + dedent(methods), "    ")
    return f"{HEAD}\n{dedent(head)}\n\nclass Sample(Contract):\n{body}\n"


def reverted(text: str, line: int) -> tuple[str, str, int]:
    """Return how a call ends that reverts."""
    return "REVERTED", text, line


def run(methods: str, *given: Any, head: str = "", variables: str = "") -> Any:
    """Return what method `run` gives."""
    return Pair(make_source(methods, head=head, variables=variables)).call("run", *given)
