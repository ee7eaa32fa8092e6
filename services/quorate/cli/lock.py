"""`quorate lock …`: amounts that wait for a secret or a height, with a way back."""

import secrets
from hashlib import sha256
from typing import Annotated, Any

import typer

from quorate.cli import options, output, session
from quorate.cli.acting import (
    TIMEOUT_S,
    From,
    Timeout,
    Way,
    act,
    format_units,
    parse_name,
    parse_units,
)
from quorate.core.errors import InvalidInput
from quorate.core.locks.payloads import ClaimLocked, LockTransfer, RefundLocked
from quorate.core.locks.records import compute_lock_id
from quorate.core.transactions import Payload
from quorate.core.values import format_address
from quorate.sdk.assets import Lock
from quorate.sdk.client import Client
from quorate.sdk.values import Receipt

app = typer.Typer(no_args_is_help=True, help="Transfers that wait, with a way back.")

_NATIVE_DECIMALS = output.UNIT_DIGITS
LockId = Annotated[str, typer.Argument(metavar="LOCK", help="Its id, 64 hex digits.")]


@app.command(short_help="Lock an amount for an account.")
def create(
    *,
    to: Annotated[str, typer.Argument(help="Address, or the name of a key.")],
    amount: Annotated[str, typer.Argument(help="Tokens, like 12 or 0.5.")],
    blocks: Annotated[
        int, typer.Option("--blocks", min=1, help="For so many blocks; then you take it back.")
    ] = 10_000,
    after: Annotated[
        int, typer.Option("--after", min=0, help="Claimable only after so many blocks.")
    ] = 0,
    digest: Annotated[
        str | None, typer.Option("--hash", help="SHA-256 that a claim must show the secret of.")
    ] = None,
    secret: Annotated[
        bool, typer.Option("--secret", help="Make a secret, and show it: keep it.")
    ] = False,
    token: Annotated[str | None, typer.Option("--token", help="Of this token (its id).")] = None,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate lock create bob 12.5 --secret --blocks 5000 --from alice**

    Move an amount into a lock. Bob may claim it with the secret (--hash, --secret), or once a time
    has passed (--after), or both; from --blocks on only you can take it back.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    if digest is not None and secret:
        raise InvalidInput("--hash or --secret, not both", reason="USAGE")
    target, made = way.find_address(to), secrets.token_bytes(32) if secret else b""
    wanted = sha256(made).digest() if secret else parse_name(digest, "hash") if digest else b""
    identity = parse_name(token, "token") if token else b""

    async def build(client: Client, signer: bytes) -> list[Payload]:
        units = parse_units(amount, await _find_decimals(client, identity))
        height = (await client.status()).height
        first = height + after if after else 0
        return [LockTransfer(signer, target, units, identity, wanted, first, height + blocks)]

    def find(receipt: Receipt) -> dict[str, str]:
        found = {"lock": compute_lock_id(receipt.id, 0).hex()}
        return {**found, "secret": made.hex()} if secret else found

    act(way, build, find)


@app.command(short_help="Take what is in a lock for you.")
def claim(
    *,
    lock: LockId,
    secret: Annotated[str, typer.Option("--secret", help="The secret, in hex.")] = "",
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate lock claim LOCK --secret 5ec2… --from bob**

    Take what is in a lock for you. The secret is public from then on.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    identity, preimage = parse_name(lock, "lock"), _parse_secret(secret)

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [ClaimLocked(signer, identity, preimage)]

    act(way, build)


@app.command(short_help="Take back what nobody claimed in time.")
def refund(
    *,
    lock: LockId,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate lock refund LOCK --from alice**

    Take back what you locked, once its time is over.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    identity = parse_name(lock, "lock")

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [RefundLocked(signer, identity)]

    act(way, build)


@app.command(short_help="Show a lock.")
def show(lock: LockId, endpoint: options.Endpoint = None, as_json: options.Json = False) -> None:
    """**quorate lock show LOCK --json**

    Show a lock that is neither claimed nor taken back.
    """
    identity = parse_name(lock, "lock")

    async def work(client: Client) -> tuple[Lock, int]:
        found = await client.lock(identity)
        return found, await _find_decimals(client, found.token)

    found, decimals = session.run(endpoint, work)
    if as_json:
        output.print_json(_describe(found))
        return
    first = f"from height {found.from_height:,} on, " if found.from_height else ""
    claim = f"{first}before height {found.until_height:,}"
    if found.height + 1 >= found.until_height:
        claim = "not any more"
    output.print_fields(
        [
            ("lock", found.lock.hex()),
            ("from", format_address(found.sender)),
            ("to", format_address(found.to)),
            ("amount", format_units(found.amount, decimals)),
            ("token", found.token.hex() or "native"),
            ("secret", f"of SHA-256 {found.hash.hex()}" if found.hash else "none is needed"),
            ("claimable", claim),
            ("back", f"from height {found.until_height:,} on"),
            ("at height", f"{found.height:,}"),
        ]
    )


async def _find_decimals(client: Client, token: bytes) -> int:
    return (await client.token(token)).decimals if token else _NATIVE_DECIMALS


def _parse_secret(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise InvalidInput(f"'{text}' is no secret: hex digits", reason="MALFORMED") from error


def _describe(found: Lock) -> dict[str, Any]:
    sides = {"sender": format_address(found.sender), "to": format_address(found.to)}
    names = {name: getattr(found, name).hex() for name in ("lock", "token", "hash")}
    return {**found._asdict(), **sides, **names}
