"""What reads of tokens, locks and changes by vote return, and how it is made of messages."""

from typing import NamedTuple

from quorate.api.ledger.v1 import ledger_pb2


class Token(NamedTuple):
    """A token; `supply` counts what is in locks too, `cap` 0 stands for 2^63 - 1."""

    token: bytes
    owner: bytes
    symbol: str
    name: str
    decimals: int
    cap: int
    supply: int
    freezable: bool
    is_frozen: bool
    is_final: bool
    height: int


class TokenBalance(NamedTuple):
    """What an account holds of one token, in its smallest unit."""

    token: bytes
    balance: int
    symbol: str
    decimals: int


class Lock(NamedTuple):
    """An amount that waits; `token` empty: native, `hash` empty: no secret is needed."""

    lock: bytes
    sender: bytes
    to: bytes
    amount: int
    token: bytes
    hash: bytes
    from_height: int
    until_height: int
    height: int


class Proposal(NamedTuple):
    """A change that seats vote on; `votes` maps candidates with a seat to whether they approve."""

    proposal: bytes
    proposer: bytes
    last_epoch: int
    parameter: str
    value: int
    version: str
    height: int
    votes: dict[bytes, bool]
    approving: int


class Proposals(NamedTuple):
    """The proposals that take votes, and how many of the running set's seats let one pass."""

    proposals: tuple[Proposal, ...]
    epoch: int
    quorum: int
    seats: int
    height: int


class Parameter(NamedTuple):
    """A chain parameter: in force, in the genesis, and from the next epoch on."""

    name: str
    value: int
    genesis_value: int
    is_changeable: bool
    next_value: int


class ChainParams(NamedTuple):
    """The parameters and the version of the rules for the block after `height`."""

    parameters: tuple[Parameter, ...]
    epoch: int
    height: int
    version: str
    next_version: str
    next_version_height: int
    known_versions: tuple[str, ...]


def to_token(answer: ledger_pb2.GetTokenResponse) -> Token:
    """Return a token as read."""
    values = [getattr(answer.token, field) for field in Token._fields[:-1]]
    return Token._make([*values, answer.height])


def to_balance(message: ledger_pb2.TokenBalance) -> TokenBalance:
    """Return a balance as read."""
    return TokenBalance(message.token, message.balance, message.symbol, message.decimals)


def to_lock(answer: ledger_pb2.GetLockResponse) -> Lock:
    """Return a lock as read."""
    values = [getattr(answer.lock, field) for field in Lock._fields[:-1]]
    return Lock._make([*values, answer.height])


def to_proposals(answer: ledger_pb2.ListProposalsResponse) -> Proposals:
    """Return the open proposals as read."""
    proposals = tuple([_to_proposal(each) for each in answer.proposals])
    return Proposals(proposals, answer.epoch, answer.quorum, answer.seats, answer.height)


def to_params(answer: ledger_pb2.GetParamsResponse) -> ChainParams:
    """Return the parameters as read."""
    parameters = tuple([
        Parameter(*[getattr(each, field) for field in Parameter._fields])
        for each in answer.parameters
    ])  # fmt: skip
    return ChainParams(
        parameters, answer.epoch, answer.height, answer.version, answer.next_version,
        answer.next_version_height, tuple(answer.known_versions),
    )  # fmt: skip


def _to_proposal(message: ledger_pb2.Proposal) -> Proposal:
    votes = {each.candidate: each.approve for each in message.votes}
    return Proposal(
        message.proposal, message.proposer, message.last_epoch, message.parameter, message.value,
        message.version, message.height, votes, message.approving,
    )  # fmt: skip
