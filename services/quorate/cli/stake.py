"""`quorate stake …`: bond tokens to candidates, take them back, and earn."""

from typing import Annotated, Any

import typer

from quorate.cli import options, output, session, staking, wallet
from quorate.cli.acting import From, Timeout, Way, act
from quorate.cli.stake_panels import describe_delegation, print_delegations
from quorate.core.staking.payloads import ClaimRewards, Delegate, Redelegate, Undelegate
from quorate.core.transactions import Payload
from quorate.sdk.client import Client
from quorate.sdk.payloads import SENDER
from quorate.sdk.stake_values import Delegation, Delegations

app = typer.Typer(no_args_is_help=True, help="Delegate tokens to candidates, and earn with them.")

Source = Annotated[str, typer.Argument(metavar="FROM", help="Candidate that loses the stake.")]
Target = Annotated[str, typer.Argument(metavar="TO", help="Candidate that gets it.")]


@app.command(short_help="Bond tokens to a candidate.")
def delegate(
    *,
    candidate: staking.Of,
    amount: staking.Amount,
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate stake delegate v2 100 --from alice**

    Bond tokens of the signer to a candidate. They earn from the next block on, weigh at the next
    election, and are at risk if the candidate signs two messages that conflict.
    """
    units = output.parse_amount(amount)
    directory = wallet.find_directory(keys_dir)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        owner = await staking.find_candidate(client, directory, candidate)
        return [Delegate(SENDER, owner, units)]

    act(way, build)


@app.command(short_help="Begin to take stake back.")
def undelegate(
    *,
    candidate: staking.Of,
    amount: Annotated[str, typer.Argument(help="Tokens, like 12 or 0.5, or all.")],
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate stake undelegate v2 all --from alice**

    Begin to unbond stake. It earns no more, and can be claimed some epochs later.
    """
    directory = wallet.find_directory(keys_dir)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        owner = await staking.find_candidate(client, directory, candidate)
        units = await _find_amount(client, signer, owner, amount)
        return [Undelegate(SENDER, owner, units)]

    act(way, build)


@app.command(short_help="Move stake to another candidate at once.")
def redelegate(
    *,
    source: Source,
    target: Target,
    amount: Annotated[str, typer.Argument(help="Tokens, like 12 or 0.5, or all.")],
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate stake redelegate v2 v3 all --from alice**

    Move stake to another candidate without a wait. It can't move on from there for as long as
    unbonding takes, and a slash of the first candidate reaches it for up to two epochs.
    """
    directory = wallet.find_directory(keys_dir)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        left = await staking.find_candidate(client, directory, source)
        right = await staking.find_candidate(client, directory, target)
        units = await _find_amount(client, signer, left, amount)
        return [Redelegate(SENDER, left, right, units)]

    act(way, build)


@app.command(short_help="Get rewards and unbonded stake.")
def claim(
    *,
    candidate: staking.Of,
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate stake claim v2 --from alice**

    Pay out the signer's rewards at a candidate, its commission to the owner, and what has unbonded.
    """
    directory = wallet.find_directory(keys_dir)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        owner = await staking.find_candidate(client, directory, candidate)
        return [ClaimRewards(SENDER, owner)]

    act(way, build)


@app.command(short_help="Show what an account has delegated and earned.")
def show(
    who: Annotated[str, typer.Argument(help="Address, or the name of a key.")] = "demo",
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate stake show alice**

    Show an account's stake at each candidate, what ClaimRewards would pay now, what unbonds until
    when, and what a slash would take.
    """
    address = wallet.resolve(wallet.find_directory(keys_dir), who)
    found = session.run(endpoint, lambda client: list_all(client, address))
    if as_json:
        document: dict[str, Any] = {"height": found.height, "epoch": found.epoch}
        document["delegations"] = [describe_delegation(each) for each in found.delegations]
        output.print_json(document)
    else:
        print_delegations(found, who)


async def list_all(client: Client, delegator: bytes) -> Delegations:
    """Return all delegations of an account, as of the last page's height."""
    listed, token = list[Delegation](), ""
    while True:
        page = await client.delegations(delegator, page_token=token)
        listed += page.delegations
        token = page.next_page_token
        if not token:
            return page._replace(delegations=tuple(listed))


async def _find_amount(client: Client, delegator: bytes, owner: bytes, text: str) -> int:
    """Return the smallest units of an amount, which may be all that is bonded."""
    if text != "all":
        return output.parse_amount(text)
    found = await list_all(client, delegator)
    return next((each.amount for each in found.delegations if each.candidate == owner), 0)
