"""`quorate token …`: make tokens, move them, rule over them, and see what there is."""

from typing import Annotated, Any

import typer

from quorate.cli import options, output, session, wallet
from quorate.cli.acting import (
    TIMEOUT_S,
    From,
    Timeout,
    Way,
    act,
    format_units,
    parse_name,
    parse_units,
    print_rows,
)
from quorate.core.params import SUPPLY_MAX
from quorate.core.tokens.payloads import (
    BurnToken,
    CreateToken,
    MintToken,
    SetTokenPolicy,
    TransferToken,
)
from quorate.core.tokens.records import compute_token_id
from quorate.core.transactions import Payload
from quorate.core.values import format_address
from quorate.sdk.assets import Token, TokenBalance
from quorate.sdk.client import Client
from quorate.sdk.values import Receipt

app = typer.Typer(no_args_is_help=True, help="Tokens of anyone's making.")

TokenId = Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, 64 hex digits.")]
To = Annotated[str, typer.Argument(help="Address, or the name of a key.")]
Amount = Annotated[str, typer.Argument(help="Of the token, like 12 or 0.5.")]


@app.command(short_help="Make a token; all there is comes to its maker.")
def create(
    *,
    symbol: Annotated[str, typer.Argument(help="1 to 12 letters A to Z or digits; not unique.")],
    name: Annotated[str, typer.Argument(help="What it is called in full.")],
    supply: Annotated[str, typer.Option("--supply", help="What there is at first.")] = "0",
    cap: Annotated[str, typer.Option("--cap", help="Most there may be; 0: no cap.")] = "0",
    decimals: Annotated[int, typer.Option("--decimals", min=0, help="At most 18.")] = 9,
    freezable: Annotated[bool, typer.Option("--freezable", help="You may freeze it.")] = False,
    final: Annotated[bool, typer.Option("--final", help="The policy is for ever.")] = False,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate token create GLD Gold --supply 1000 --decimals 2 --from alice**

    Make a token. Its id is what names it: symbols and names are not unique.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    amounts = parse_units(cap, decimals), parse_units(supply, decimals)

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [CreateToken(signer, symbol, name, decimals, *amounts, freezable, final)]

    act(way, build, _find_token)


@app.command(short_help="Make more of a token that you own.")
def mint(
    *,
    token: TokenId,
    to: To,
    amount: Amount,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate token mint TOKEN bob 50 --from alice**

    Make more of a token, never over its cap, for an account.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    target, identity = way.find_address(to), parse_name(token, "token")

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [MintToken(signer, identity, target, await _parse(client, identity, amount))]

    act(way, build)


@app.command(short_help="Destroy what you hold of a token.")
def burn(
    *,
    token: TokenId,
    amount: Amount,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate token burn TOKEN 5 --from bob**

    Destroy tokens for good; the supply falls by them.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    identity = parse_name(token, "token")

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [BurnToken(signer, identity, await _parse(client, identity, amount))]

    act(way, build)


@app.command(short_help="Send tokens to an account.")
def send(
    *,
    token: TokenId,
    to: To,
    amount: Amount,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate token send TOKEN bob 12.5 --from alice**

    Move tokens to an account.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    target, identity = way.find_address(to), parse_name(token, "token")

    async def build(client: Client, signer: bytes) -> list[Payload]:
        units = await _parse(client, identity, amount)
        return [TransferToken(signer, identity, target, units)]

    act(way, build)


@app.command(short_help="Change who owns a token, its cap, whether it is frozen or final.")
def policy(
    *,
    token: TokenId,
    owner: Annotated[str | None, typer.Option("--owner", help="Its new owner.")] = None,
    cap: Annotated[str | None, typer.Option("--cap", help="Most there may be; 0: no cap.")] = None,
    never_freezable: Annotated[
        bool, typer.Option("--never-freezable", help="Give up freezing, for good.")
    ] = False,
    freeze: Annotated[
        bool | None,
        typer.Option("--freeze/--thaw", help="Stop all of it, or end that."),
    ] = None,
    final: Annotated[bool, typer.Option("--final", help="The policy is for ever now.")] = False,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate token policy TOKEN --cap 5000 --never-freezable --final --from alice**

    Change a token's policy; what is not named stays as it is.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    identity = parse_name(token, "token")
    heir = None if owner is None else way.find_address(owner)

    async def build(client: Client, signer: bytes) -> list[Payload]:
        now = await client.token(identity)
        return [
            SetTokenPolicy(
                signer, identity, heir or now.owner,
                now.cap if cap is None else parse_units(cap, now.decimals),
                now.freezable and not never_freezable,
                now.is_frozen if freeze is None else freeze,
                now.is_final or final,
            )
        ]  # fmt: skip

    act(way, build)


@app.command(short_help="Show a token.")
def show(token: TokenId, endpoint: options.Endpoint = None, as_json: options.Json = False) -> None:
    """**quorate token show TOKEN --json**

    Show a token's owner, supply and policy.
    """
    identity = parse_name(token, "token")

    async def work(client: Client) -> Token:
        return await client.token(identity)

    found = session.run(endpoint, work)
    if as_json:
        output.print_json(_describe(found))
        return
    cap = format_units(found.cap or SUPPLY_MAX, found.decimals)
    output.print_fields(
        [
            ("token", found.token.hex()),
            ("symbol", f"{found.symbol} ({found.name})"),
            ("owner", format_address(found.owner)),
            ("supply", format_units(found.supply, found.decimals)),
            ("cap", cap if found.cap else f"none (at most {cap})"),
            ("freezable", "yes" if found.freezable else "no, for good"),
            ("frozen", "yes" if found.is_frozen else "no"),
            ("policy", "for ever" if found.is_final else "its owner may change it"),
        ]
    )


@app.command("list", short_help="List an account's tokens.")
def list_(
    who: Annotated[str, typer.Argument(help="Address, or the name of a key.")] = "demo",
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate token list alice --json**

    List what an account holds of tokens.
    """
    holder = wallet.resolve(wallet.find_directory(keys_dir), who)

    async def work(client: Client) -> list[TokenBalance]:
        found, page = await client.token_balances(holder)
        while page:
            more, page = await client.token_balances(holder, page_token=page)
            found += more
        return found

    found = session.run(endpoint, work)
    if as_json:
        listed = [{**each._asdict(), "token": each.token.hex()} for each in found]
        output.print_json({"holder": format_address(holder), "balances": listed})
        return
    balances = [format_units(each.balance, each.decimals) for each in found]
    rows = [
        (each.symbol, text, each.token.hex()) for each, text in zip(found, balances, strict=True)
    ]
    print_rows([("symbol", "balance", "token"), *rows])


async def _parse(client: Client, token: bytes, amount: str) -> int:
    return parse_units(amount, (await client.token(token)).decimals)


def _find_token(receipt: Receipt) -> dict[str, str]:
    return {"token": compute_token_id(receipt.id, 0).hex()}


def _describe(found: Token) -> dict[str, Any]:
    document = found._asdict()
    return {**document, "token": found.token.hex(), "owner": format_address(found.owner)}
