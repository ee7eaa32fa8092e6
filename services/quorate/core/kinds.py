"""Every kind of payload but plain transfers and evidence: one table from its name to its rules.

A new kind is one line here, a message in proto/quorate/api/types/v1, a NamedTuple whose fields have
the message's names, and its functions. Transfers have a path of their own in transition.py, because
most transactions are nothing else; evidence is free, so its rules are its own (#E7).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from quorate.core import crypto
from quorate.core.context import Call, Ledger
from quorate.core.contracts import actions as contracts
from quorate.core.contracts import payloads as contract
from quorate.core.contracts.records import compute_contract_key, compute_variable_key
from quorate.core.errors import InvalidTransaction
from quorate.core.governance import actions as votes
from quorate.core.governance import payloads as change
from quorate.core.governance.parameters import CHANGES_KEY
from quorate.core.governance.records import OPEN_KEY, compute_proposal_key
from quorate.core.locks import actions as locks
from quorate.core.locks import payloads as lock
from quorate.core.locks.records import compute_lock_key
from quorate.core.staking import candidates, delegations
from quorate.core.staking import payloads as stake
from quorate.core.staking.payloads import Proof
from quorate.core.staking.records import (
    COUNT_KEY,
    compute_candidate_key,
    compute_delegation_key,
    compute_seat_key_key,
    compute_unbonding_key,
)
from quorate.core.tokens import actions as tokens
from quorate.core.tokens import payloads as token
from quorate.core.tokens.records import compute_balance_key, compute_token_key

Action = (
    stake.RegisterCandidate
    | stake.UpdateCandidate
    | stake.Ready
    | stake.Resign
    | stake.RotateSeatKey
    | stake.Unjail
    | stake.Delegate
    | stake.Undelegate
    | stake.Redelegate
    | stake.ClaimRewards
    | token.CreateToken
    | token.MintToken
    | token.BurnToken
    | token.TransferToken
    | token.SetTokenPolicy
    | lock.LockTransfer
    | lock.ClaimLocked
    | lock.RefundLocked
    | change.ProposeChange
    | change.VoteChange
    | contract.DeployContract
    | contract.CallContract
)


CONTRACT_TYPES: Final = (contract.DeployContract, contract.CallContract)


def _list_none(payload: Any) -> list[Any]:
    return []


def _weigh_nothing(payload: Any) -> int:
    return 0


class Kind(NamedTuple):
    """The rules of one kind of payload.

    `weight` is what it costs on top of what any payload weighs, with `weigh` for what depends on
    the payload; `list_keys` names records to load beforehand, for speed only.
    """

    type: type[Action]
    weight: int
    check: Callable[[Any], None]
    apply: Callable[[Any, Ledger, Call], None]
    list_keys: Callable[[Any], list[bytes]] = _list_none
    list_proofs: Callable[[Any], list[Proof]] = _list_none
    weigh: Callable[[Any], int] = _weigh_nothing


def _list_candidate(payload: Any) -> list[bytes]:
    return [compute_candidate_key(payload.candidate)]


def _list_stake(payload: Any) -> list[bytes]:
    return _list_holding(payload.signer, payload.candidate)


def _list_redelegate(payload: stake.Redelegate) -> list[bytes]:
    return [
        *_list_holding(payload.signer, payload.source),
        *_list_holding(payload.signer, payload.target),
    ]


def _list_register(payload: stake.RegisterCandidate) -> list[bytes]:
    own = _list_holding(payload.signer, payload.signer)
    return [*own, compute_seat_key_key(payload.seat_key), COUNT_KEY]


def _list_token(payload: Any) -> list[bytes]:
    return [compute_token_key(payload.token)]


def _list_burn(payload: token.BurnToken) -> list[bytes]:
    return [*_list_token(payload), compute_balance_key(payload.signer, payload.token)]


def _list_mint(payload: token.MintToken) -> list[bytes]:
    return [*_list_token(payload), compute_balance_key(payload.to, payload.token)]


def _list_send(payload: token.TransferToken) -> list[bytes]:
    sides = (payload.signer, payload.to)
    balances = [compute_balance_key(side, payload.token) for side in sides]
    return [*_list_token(payload), *balances]


def _list_lock(payload: lock.LockTransfer) -> list[bytes]:
    if not payload.token:
        return []
    own = compute_balance_key(payload.signer, payload.token)
    return [compute_token_key(payload.token), own]


def _list_locked(payload: lock.ClaimLocked | lock.RefundLocked) -> list[bytes]:
    return [compute_lock_key(payload.lock)]


def _list_propose(payload: change.ProposeChange) -> list[bytes]:
    return [OPEN_KEY, CHANGES_KEY]


def _list_vote(payload: change.VoteChange) -> list[bytes]:
    return [OPEN_KEY, CHANGES_KEY, compute_proposal_key(payload.proposal)]


def _list_called(payload: contract.CallContract) -> list[bytes]:
    address = payload.contract
    variables = [compute_variable_key(address, key) for key in payload.access]
    return [b"a" + address, compute_contract_key(address), *variables]


def _list_holding(delegator: bytes, candidate: bytes) -> list[bytes]:
    return [
        compute_candidate_key(candidate),
        compute_delegation_key(delegator, candidate),
        compute_unbonding_key(delegator, candidate),
    ]


# Names are those of the `kind` of a Payload message. Weights: about 1 per 0.5 µs of execution, 100
# per signature that is checked, 200 for a candidate's or token's record, which stays for good, and
# 50 where a token's balance or a lock may be new: state is paid for by weight, not by deposits.
KINDS: Final[dict[str, Kind]] = {
    "register_candidate": Kind(
        stake.RegisterCandidate, 400, stake.check_register, candidates.apply_register,
        _list_register, stake.list_register_proofs,
    ),
    "update_candidate": Kind(
        stake.UpdateCandidate, 50, stake.check_update, candidates.apply_update, _list_candidate
    ),
    "ready": Kind(
        stake.Ready, 150, stake.check_ready, candidates.apply_ready, _list_candidate,
        stake.list_ready_proofs,
    ),
    "resign": Kind(stake.Resign, 50, stake.check_plain, candidates.apply_resign, _list_candidate),
    "rotate_seat_key": Kind(
        stake.RotateSeatKey, 200, stake.check_rotate, candidates.apply_rotate, _list_candidate,
        stake.list_rotate_proofs,
    ),
    "unjail": Kind(stake.Unjail, 50, stake.check_plain, candidates.apply_unjail, _list_candidate),
    "delegate": Kind(
        stake.Delegate, 100, stake.check_stake, delegations.apply_delegate, _list_stake
    ),
    "undelegate": Kind(
        stake.Undelegate, 100, stake.check_stake, delegations.apply_undelegate, _list_stake
    ),
    "redelegate": Kind(
        stake.Redelegate, 150, stake.check_redelegate, delegations.apply_redelegate,
        _list_redelegate,
    ),
    "claim_rewards": Kind(
        stake.ClaimRewards, 100, stake.check_plain, delegations.apply_claim, _list_stake
    ),
    "create_token": Kind(token.CreateToken, 300, token.check_create, tokens.apply_create),
    "mint_token": Kind(
        token.MintToken, 100, token.check_grant, tokens.apply_mint, _list_mint
    ),
    "burn_token": Kind(token.BurnToken, 50, token.check_burn, tokens.apply_burn, _list_burn),
    "transfer_token": Kind(
        token.TransferToken, 100, token.check_grant, tokens.apply_transfer, _list_send
    ),
    "set_token_policy": Kind(
        token.SetTokenPolicy, 50, token.check_policy, tokens.apply_policy, _list_token
    ),
    "lock_transfer": Kind(lock.LockTransfer, 100, lock.check_lock, locks.apply_lock, _list_lock),
    "claim_locked": Kind(lock.ClaimLocked, 100, lock.check_claim, locks.apply_claim, _list_locked),
    "refund_locked": Kind(
        lock.RefundLocked, 100, lock.check_refund, locks.apply_refund, _list_locked
    ),
    # The set of the epoch is decoded, and may have 512 seats.
    "propose_change": Kind(
        change.ProposeChange, 1_000, change.check_propose, votes.apply_propose, _list_propose
    ),
    "vote_change": Kind(
        change.VoteChange, 1_000, change.check_vote, votes.apply_vote, _list_vote
    ),
    "deploy_contract": Kind(
        contract.DeployContract, contract.DEPLOY_WEIGHT, contract.check_deploy,
        contracts.apply_deploy, weigh=contract.compute_deploy_weight,
    ),
    "call_contract": Kind(
        contract.CallContract, contract.CALL_WEIGHT, contract.check_call, contracts.apply_call,
        _list_called, weigh=contract.compute_call_weight,
    ),
}  # fmt: skip
_BY_TYPE: Final[dict[type, Kind]] = {kind.type: kind for kind in KINDS.values()}
NAMES: Final[dict[type, str]] = {kind.type: name for name, kind in KINDS.items()}


def get_kind(payload: Action) -> Kind:
    """Return the rules of a payload."""
    return _BY_TYPE[type(payload)]


def list_fuel_limits(payloads: Sequence[object]) -> dict[int, int]:
    """Return the fuel limit of each contract payload by its position."""
    return {
        position: payload.fuel_limit
        for position, payload in enumerate(payloads)
        if isinstance(payload, CONTRACT_TYPES)
    }


def is_action(payload: object) -> bool:
    """Tell whether a payload is of one of these kinds."""
    return type(payload) in _BY_TYPE


def iter_proofs(payloads: Sequence[object]) -> Iterator[Proof]:
    """Yield the signatures that stand inside payloads."""
    for payload in payloads:
        kind = _BY_TYPE.get(type(payload))
        if kind is not None:
            yield from kind.list_proofs(payload)


def check_proofs(payloads: Sequence[object], domain: bytes) -> None:
    """Raise InvalidTransaction (BAD_PROOF) unless every signature inside payloads verifies."""
    for proof in iter_proofs(payloads):
        if not crypto.is_signed(
            proof.public_key, proof.signature, proof.tag, domain, proof.message
        ):
            raise InvalidTransaction("a seat key's proof does not verify", reason="BAD_PROOF")
