"""`quorate candidate …`: stand for a seat, and see who does."""

from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import options, output, session, staking, wallet
from quorate.cli.acting import From, Timeout, Way, act
from quorate.cli.seat_words import load_proof, load_ready
from quorate.cli.stake_panels import (
    describe_candidate,
    print_candidate,
    print_candidates,
)
from quorate.core.errors import InvalidInput
from quorate.core.staking.payloads import Resign, Unjail, UpdateCandidate
from quorate.core.transactions import Payload
from quorate.core.values import format_address
from quorate.sdk.client import Client
from quorate.sdk.payloads import (
    SENDER,
    Terms,
    build_ready,
    build_register,
    build_rotate,
)
from quorate.sdk.stake_values import Candidates

app = typer.Typer(no_args_is_help=True, help="Stand for a seat, and see who does.")

Seat = Annotated[
    Path,
    typer.Option(
        "--seat",
        metavar="SOCKET|FILE",
        help="The node's consensus.sock; or JSON of what it says; - is standard input.",
    ),
]
Name = Annotated[str, typer.Option("--name", help="What people call it by, 1 to 64 bytes.")]
Description = Annotated[str, typer.Option("--description", help="Up to 256 bytes.")]
Commission = Annotated[
    str, typer.Option("--commission", help="Percentage of delegators' rewards, like 5 or 7.25.")
]


@app.command(short_help="Become a candidate.")
def register(
    *,
    stake: Annotated[str, typer.Argument(help="Tokens of your own to bond.")],
    name: Name,
    seat: Seat,
    description: Description = "",
    commission: Commission = "5",
    operator: Annotated[
        str, typer.Option("--operator", help="Who may operate it too. Default: the owner.")
    ] = "",
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate candidate register 1000 --name mine --seat node/consensus.sock --from alice**

    Make the signer the owner of a candidate, with stake of its own. The seat key's proof comes from
    the node that holds the key, so that the key never leaves it. After the node's Ready it can be
    elected.
    """
    units, share_bp = output.parse_amount(stake), staking.parse_percent(commission)
    proof, directory = load_proof(seat), wallet.find_directory(keys_dir)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        if proof.candidate != signer:
            raise InvalidInput(
                f"the proof is for {format_address(proof.candidate)}, but "
                f"{format_address(signer)} signs: give the node that address as its candidate, "
                "and ask it again",
                reason="PROOF_OF_ANOTHER",
            )
        named = wallet.resolve(directory, operator) if operator else signer
        terms = Terms(name, description, share_bp)
        return [build_register(proof, named, terms, units)]

    act(way, build)


@app.command(short_help="Change name, description or commission.")
def update(
    *,
    candidate: staking.Of,
    name: Annotated[str | None, typer.Option("--name", help="Default: as it is.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", help="Default: as it is.")
    ] = None,
    commission: Annotated[
        str | None, typer.Option("--commission", help="Percentage. Default: as it is.")
    ] = None,
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate candidate update mine --commission 6 --from alice**

    Change what a candidate tells of itself and what it charges. Commission moves in small steps,
    and not often, so that delegators can leave in time.
    """
    directory = wallet.find_directory(keys_dir)
    share_bp = None if commission is None else staking.parse_percent(commission)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        owner = await staking.find_candidate(client, directory, candidate)
        found = await client.candidate(owner)
        changed = UpdateCandidate(
            SENDER,
            owner,
            found.name if name is None else name,
            found.description if description is None else description,
            found.commission_bp if share_bp is None else share_bp,
        )
        return [changed]

    act(way, build)


@app.command(short_help="Bring a node's word that it is in step.")
def ready(
    *,
    seat: Seat,
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate candidate ready --seat node/consensus.sock**

    Bring a seat key's signature that its machine is in step in this epoch. Anyone may; after a
    rotation it puts the new key in place. Who holds a seat needs none.
    """
    found = load_ready(seat)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [build_ready(found)]

    act(way, build)


@app.command(short_help="Name the seat key of another machine.")
def rotate(
    *,
    seat: Seat,
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate candidate rotate --seat new/consensus.sock --from alice**

    Name the seat key of another machine for the candidate that the proof is for. It takes over at
    an election after its Ready; until then the old key votes on.
    """
    proof = load_proof(seat)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        return [build_rotate(proof)]

    act(way, build)


@app.command(short_help="Take a candidate out for good.")
def resign(
    *,
    candidate: staking.Of,
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate candidate resign mine --from alice**

    Take a candidate out for good. Its seat is left at an epoch's boundary: keep the node running
    until then. Its stake can be undelegated as ever.
    """
    directory = wallet.find_directory(keys_dir)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        owner = await staking.find_candidate(client, directory, candidate)
        return [Resign(SENDER, owner)]

    act(way, build)


@app.command(short_help="Come back after a jail.")
def unjail(
    *,
    candidate: staking.Of,
    sender: From = "demo",
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate candidate unjail mine --from alice**

    Let a candidate that was jailed for missed views be elected again, after its wait. Mend the node
    first: it needs a Ready too.
    """
    directory = wallet.find_directory(keys_dir)

    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip

    async def build(client: Client, signer: bytes) -> list[Payload]:
        owner = await staking.find_candidate(client, directory, candidate)
        return [Unjail(SENDER, owner)]

    act(way, build)


@app.command(short_help="Show one candidate.")
def show(
    candidate: staking.Of,
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate candidate show v2**

    Show a candidate: terms, stake, seats, conduct, and what keeps it from being elected, if so.
    """
    directory = wallet.find_directory(keys_dir)

    async def work(client: Client) -> None:
        owner = await staking.find_candidate(client, directory, candidate)
        found = await client.candidate(owner)
        if as_json:
            output.print_json(describe_candidate(found))
        else:
            print_candidate(found)

    session.run(endpoint, work)


@app.command("list", short_help="List candidates by stake.")
def list_(
    size: Annotated[int, typer.Option("--max", min=1, max=10_000, help="At most so many.")] = 100,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate candidate list --max 20**

    List candidates by stake: who has a seat, who would be elected now, who comes next, and why
    others can't be elected.
    """

    async def work(client: Client) -> Candidates:
        found = await client.candidates(min(size, staking.PAGE))
        while found.next_page_token and len(found.candidates) < size:
            page = await client.candidates(staking.PAGE, found.next_page_token)
            found = page._replace(candidates=found.candidates + page.candidates)
        return found._replace(candidates=found.candidates[:size])

    found = session.run(endpoint, work)
    if not as_json:
        print_candidates(found)
        return
    figures = {name: getattr(found, name) for name in ("height", "epoch", "total", "electable")}
    output.print_json({**figures, "candidates": list(map(describe_candidate, found.candidates))})
