"""`quorate keys candidate`: what an operator gives to those who assemble a genesis."""

from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import options, output
from quorate.cli.documents import check_writable, require_sound, write_document
from quorate.core.crypto import SigningKey
from quorate.core.genesis import FORK_EPOCH_MAX, Terms, build_seat_entry
from quorate.core.genesis_parts import Part, read_part, write_part
from quorate.core.values import SHARE_BP, parse_address

Home = Annotated[
    Path, typer.Option("--home", metavar="PATH", help="The node's home, on its own volume.")
]
Operator = Annotated[
    str | None, typer.Option("--operator", help="Address that runs it. Default: the owner.")
]
Commission = Annotated[int, typer.Option("--commission-bp", min=0, max=SHARE_BP, help="Of 10000.")]
ForkEpoch = Annotated[
    int, typer.Option("--fork-epoch", min=0, max=FORK_EPOCH_MAX, help="A fork's.")
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: NAME.json.")
]


def candidate(
    *,
    home: Home,
    chain_id: Annotated[str, typer.Option("--chain-id", help="The chain's name.")],
    name: Annotated[str, typer.Option("--name", help="What people call the validator.")],
    owner: Annotated[str, typer.Option("--owner", help="Address that owns the stake.")],
    stake: Annotated[str, typer.Option("--stake", help="Tokens bonded at the start.")],
    operator: Operator = None,
    commission_bp: Commission = 0,
    description: Annotated[str, typer.Option("--description", help="Up to 256 bytes.")] = "",
    fork_epoch: ForkEpoch = 0,
    out: Out = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    as_json: options.Json = False,
) -> None:
    """**quorate keys candidate --home node --chain-id town-1 --name alice --owner qr1… --stake 50**

    Make the node's keys on its own volume, unless it has them, and write a part of a genesis: its
    candidate with the seat key's own proof. The file is public; the keys stay where they are.
    """
    # Loading TLS takes time that few commands should spend.
    from quorate.consensus.seat_key import init_seat
    from quorate.gossip.identity import init_node

    target = Path(f"{Path(name).name}.json") if out is None else out
    check_writable(target, force=force)
    owned = parse_address(owner)
    terms = Terms(
        owner=owned,
        operator=owned if operator is None else parse_address(operator),
        commission_bp=commission_bp,
        stake=output.parse_amount(stake),
        description=description,
    )
    # What would not parse is refused before keys are made for it.
    _build_part(chain_id, name, terms, SigningKey(bytes(32)), fork_epoch=fork_epoch)
    key, node_id = init_seat(home), init_node(home)
    text = _build_part(chain_id, name, terms, key, fork_epoch=fork_epoch)
    write_document(target, text, force=force)
    shown = {
        "path": str(target),
        "owner": owner,
        "public_key": key.public_key.hex(),
        "node_id": node_id.hex(),
    }
    if as_json:
        output.print_json(shown)
    else:
        output.print_fields(list(shown.items()))


def _build_part(chain_id: str, name: str, terms: Terms, key: SigningKey, *, fork_epoch: int) -> str:
    """Return the text of a part with one candidate; raises InvalidGenesis naming the field."""
    entry = build_seat_entry(chain_id, name, key, terms, fork_epoch=fork_epoch)
    text = write_part(Part(chain_id, fork_epoch, None, None, (), (entry,)))
    require_sound(read_part(text)[1])
    return text
