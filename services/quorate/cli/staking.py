"""What commands about stake share: how candidates and percentages are written."""

from pathlib import Path
from typing import Annotated, Final

import typer

from quorate.cli import wallet
from quorate.core.errors import InvalidInput, NotFound
from quorate.core.values import ADDRESS_PREFIX, SHARE_BP, format_address
from quorate.sdk.client import Client

Of = Annotated[str, typer.Argument(metavar="CANDIDATE", help="Address, key name, or its name.")]
Amount = Annotated[str, typer.Argument(help="Tokens, like 12 or 0.5.")]
PAGE: Final = 500


async def find_candidate(client: Client, directory: Path, text: str) -> bytes:
    """Return the address of a candidate by its address, a key's name, or its own name.

    Names of candidates are not unique: one that several have is refused with their addresses.
    """
    if text.lower().startswith(f"{ADDRESS_PREFIX}1"):
        return wallet.resolve(directory, text)
    named, token = list[bytes](), ""
    while True:
        page = await client.candidates(PAGE, token)
        named += [each.owner for each in page.candidates if each.name == text]
        token = page.next_page_token
        if not token:
            break
    if len(named) == 1:
        return named[0]
    if named:
        texts = ", ".join(format_address(owner) for owner in named)
        raise InvalidInput(
            f"several candidates call themselves '{text}': give the address, one of {texts}",
            reason="AMBIGUOUS_NAME",
        )
    try:
        return wallet.resolve(directory, text)
    except (NotFound, InvalidInput) as error:
        raise NotFound(
            f"there is no candidate and no key '{text}': `quorate candidate list` shows who "
            "there is",
            reason="NO_CANDIDATE",
            candidate=text,
        ) from error


def parse_percent(text: str) -> int:
    """Return the basis points of a percentage such as 5 or 7.25; raises InvalidInput."""
    whole, _, part = text.removesuffix("%").partition(".")
    if not whole.isdecimal() or len(part) > 2 or (part and not part.isdecimal()):
        raise InvalidInput(f"'{text}' is no percentage like 5 or 7.25", reason="MALFORMED_PERCENT")
    share_bp = int(whole) * 100 + int(part.ljust(2, "0"))
    if share_bp > SHARE_BP:
        raise InvalidInput(f"{text} is more than all", reason="MALFORMED_PERCENT")
    return share_bp


def format_percent(share_bp: int) -> str:
    """Return basis points as a percentage: 725 → 7.25 %."""
    whole, part = divmod(share_bp, 100)
    digits = f"{part:02d}".rstrip("0")
    return f"{whole}{f'.{digits}' if digits else ''} %"
