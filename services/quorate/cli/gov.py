"""`quorate gov …`: propose changes of parameters and rules, vote on them, see what is in force."""

from typing import Annotated, Any

import typer
from rich.text import Text

from quorate.cli import options, output, session
from quorate.cli.acting import TIMEOUT_S, From, Timeout, Way, act, parse_name, print_rows
from quorate.core.errors import InvalidInput
from quorate.core.governance.payloads import ProposeChange, VoteChange
from quorate.core.governance.records import compute_proposal_id
from quorate.core.transactions import Payload
from quorate.core.values import format_address
from quorate.sdk.assets import ChainParams, Parameter, Proposal, Proposals
from quorate.sdk.client import Client
from quorate.sdk.values import Receipt

app = typer.Typer(no_args_is_help=True, help="Changes by vote of the seats.")


@app.command(short_help="Propose a parameter's value, or an upgrade at a height.")
def propose(
    *,
    change: Annotated[
        str, typer.Argument(metavar="NAME=VALUE|VERSION@HEIGHT", help="What shall change.")
    ],
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate gov propose slash_bp=700 --from alice**

    Propose a change, as the owner of a candidate that holds a seat; that is a vote for it too.
    A parameter changes with the next epoch after the vote; `v2@500000` plans version v2 of the
    rules from height 500,000 on.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    wanted = _parse_change(change)

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [ProposeChange(signer, *wanted)]

    def find(receipt: Receipt) -> dict[str, str]:
        return {"proposal": compute_proposal_id(receipt.id, 0).hex()}

    act(way, build, find)


@app.command(short_help="Vote on a proposal.")
def vote(
    *,
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL", help="Its id, 64 hex digits.")],
    approve: Annotated[bool, typer.Option("--yes/--no", help="For it, or against it.")],
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate gov vote PROPOSAL --yes --from bob**

    Set your seat's vote; it may be changed while the proposal is open.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    identity = parse_name(proposal, "proposal")

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [VoteChange(signer, identity, approve)]

    act(way, build)


@app.command("list", short_help="List open proposals, and what is in force.")
def list_(endpoint: options.Endpoint = None, as_json: options.Json = False) -> None:
    """**quorate gov list --json**

    List the proposals that take votes, the parameters that votes can change, and the version of the
    rules.
    """

    async def work(client: Client) -> tuple[Proposals, ChainParams]:
        return await client.proposals(), await client.params()

    proposals, params = session.run(endpoint, work)
    if as_json:
        listed = [_describe(each) for each in proposals.proposals]
        values = {each.name: each._asdict() for each in params.parameters}
        document = {**proposals._asdict(), "proposals": listed}
        output.print_json({**document, **params._asdict(), "parameters": values})
        return
    _print_proposals(proposals)
    output.out.print()
    table = output.make_table("parameter", "in force", "", right=("in force",))
    for each in [each for each in params.parameters if each.is_changeable]:
        table.add_row(each.name, f"{each.value:,}", Text(_describe_value(each), style="dim"))
    output.out.print(table)
    output.out.print()
    planned = f", {params.next_version} from height {params.next_version_height:,} on"
    rules = params.version + (planned if params.next_version else "")
    output.print_fields([("rules", rules), ("known here", ", ".join(params.known_versions))])


def _print_proposals(found: Proposals) -> None:
    output.print_fields(
        [
            ("epoch", f"{found.epoch:,}"),
            ("to pass", f"{found.quorum} of {found.seats} seats"),
            ("open", len(found.proposals)),
        ]
    )
    if not found.proposals:
        return
    output.out.print()
    rows = [("change", "for", "against", "until epoch", "proposal")]
    for each in found.proposals:
        against = str(len([vote for vote in each.votes.values() if not vote]))
        votes = (str(each.approving), against)
        rows.append((_name(each), *votes, f"{each.last_epoch:,}", each.proposal.hex()))
    print_rows(rows)


def _parse_change(text: str) -> tuple[str, int, str, int]:
    for mark in ("=", "@"):
        name, found, number = text.partition(mark)
        digits = number.replace(",", "").replace("_", "")
        if found and name and digits.isascii() and digits.isdigit() and len(digits) < 20:
            value = int(digits)
            return (name, value, "", 0) if mark == "=" else ("", 0, name, value)
    raise InvalidInput(
        f"'{text}' is no change: give NAME=VALUE, or VERSION@HEIGHT", reason="MALFORMED_CHANGE"
    )


def _name(found: Proposal) -> str:
    if found.version:
        return f"{found.version}@{found.height:,}"
    return f"{found.parameter}={found.value:,}"


def _describe(found: Proposal) -> dict[str, Any]:
    votes = {format_address(each): approve for each, approve in found.votes.items()}
    names = {"proposal": found.proposal.hex(), "proposer": format_address(found.proposer)}
    return {**found._asdict(), **names, "votes": votes}


def _describe_value(found: Parameter) -> str:
    first = "" if found.value == found.genesis_value else f"genesis: {found.genesis_value:,}"
    coming = "" if found.next_value == found.value else f"next epoch: {found.next_value:,}"
    return "  ".join([each for each in (first, coming) if each])
