"""What tokens' payloads do (docs/protocol.md#A2 to A6)."""

from quorate.core.context import Call, Ledger
from quorate.core.outcomes import Failed
from quorate.core.tokens.payloads import (
    BurnToken,
    CreateToken,
    MintToken,
    SetTokenPolicy,
    TransferToken,
    compute_cap,
)
from quorate.core.tokens.records import (
    Token,
    compute_balance_key,
    compute_token_id,
    compute_token_key,
    decode_balance,
    decode_token,
    encode_balance,
)


def apply_create(payload: CreateToken, ledger: Ledger, call: Call) -> None:
    """Make a token; it can't fail, since its id is of this payload alone."""
    create_as(compute_token_id(call.id, call.position), payload, ledger)


def create_as(identity: bytes, payload: CreateToken, ledger: Ledger) -> None:
    """Make a token of an id that no other has."""
    token = Token(
        payload.signer, payload.symbol, payload.name, payload.decimals, payload.cap,
        payload.supply, payload.freezable, is_final=payload.is_final,
    )  # fmt: skip
    _put(ledger, identity, token)
    if payload.supply:
        credit(ledger, identity, payload.signer, payload.supply)


def apply_mint(payload: MintToken, ledger: Ledger, call: Call) -> None:
    """Make more of a token, never over its cap; raises Failed."""
    token = _load_owned(ledger, payload.token, payload.signer)
    _check_moving(token)
    token.supply += payload.amount
    if token.supply > compute_cap(token.cap):
        raise Failed("CAP_EXCEEDED")
    _put(ledger, payload.token, token)
    credit(ledger, payload.token, payload.to, payload.amount)


def apply_burn(payload: BurnToken, ledger: Ledger, call: Call) -> None:
    """Destroy tokens that the signer holds; raises Failed."""
    token = load_moving(ledger, payload.token)
    debit(ledger, payload.token, payload.signer, payload.amount)
    token.supply -= payload.amount
    _put(ledger, payload.token, token)


def apply_transfer(payload: TransferToken, ledger: Ledger, call: Call) -> None:
    """Move tokens; raises Failed."""
    load_moving(ledger, payload.token)
    debit(ledger, payload.token, payload.signer, payload.amount)
    credit(ledger, payload.token, payload.to, payload.amount)


def apply_policy(payload: SetTokenPolicy, ledger: Ledger, call: Call) -> None:
    """Replace a token's policy; raises Failed.

    A token that stays frozen stays with its owner: an owner that nobody is could never thaw it.
    """
    token = _load_owned(ledger, payload.token, payload.signer)
    if token.is_final:
        raise Failed("TOKEN_FINAL")
    if payload.freezable and not token.freezable:
        raise Failed("NOT_FREEZABLE")
    if payload.is_frozen and payload.owner != token.owner:
        raise Failed("TOKEN_FROZEN")
    if compute_cap(payload.cap) < token.supply:
        raise Failed("CAP_BELOW_SUPPLY")
    token.owner, token.cap = payload.owner, payload.cap
    token.freezable, token.is_frozen = payload.freezable, payload.is_frozen
    token.is_final = payload.is_final
    _put(ledger, payload.token, token)


def load_moving(ledger: Ledger, identity: bytes) -> Token:
    """Return a token of which balances may change; raises Failed (NO_TOKEN, TOKEN_FROZEN)."""
    token = _load(ledger, identity)
    _check_moving(token)
    return token


def credit(ledger: Ledger, identity: bytes, holder: bytes, amount: int) -> None:
    """Add to a holder's balance."""
    key = compute_balance_key(holder, identity)
    ledger.put(key, encode_balance(decode_balance(ledger.get(key)) + amount))


def debit(ledger: Ledger, identity: bytes, holder: bytes, amount: int) -> None:
    """Take from a holder's balance; raises Failed (INSUFFICIENT_TOKENS)."""
    key = compute_balance_key(holder, identity)
    balance = decode_balance(ledger.get(key))
    if balance < amount:
        raise Failed("INSUFFICIENT_TOKENS")
    ledger.put(key, encode_balance(balance - amount))


def _load(ledger: Ledger, identity: bytes) -> Token:
    record = ledger.get(compute_token_key(identity))
    if not record:
        raise Failed("NO_TOKEN")
    return decode_token(record)


def _load_owned(ledger: Ledger, identity: bytes, signer: bytes) -> Token:
    token = _load(ledger, identity)
    if token.owner != signer:
        raise Failed("NOT_ENTITLED")
    return token


def _check_moving(token: Token) -> None:
    if token.is_frozen:
        raise Failed("TOKEN_FROZEN")


def _put(ledger: Ledger, identity: bytes, token: Token) -> None:
    ledger.put(compute_token_key(identity), token.encode())
