"""How the command line reads percentages and finds candidates by name."""

from typing import Any, cast

import pytest

from quorate.cli.staking import find_candidate, format_percent, parse_percent
from quorate.core.errors import InvalidInput, NotFound
from quorate.core.values import format_address
from quorate.sdk.client import Client


class Listing:
    """A client that knows these names, each with an owner of that number."""

    def __init__(self, *names: str) -> None:
        self.names = names

    async def candidates(self, size: int, token: str) -> Any:
        at = int(token or 0)
        found = [Named(bytes([at]) * 32, self.names[at])] if self.names else []
        following = str(at + 1) if at + 1 < len(self.names) else ""
        return Page(found, following)


class Named:
    def __init__(self, owner: bytes, name: str) -> None:
        self.owner, self.name = owner, name


class Page:
    def __init__(self, candidates: list[Named], next_page_token: str) -> None:
        self.candidates, self.next_page_token = candidates, next_page_token


@pytest.mark.parametrize(
    ("text", "share_bp"), [("0", 0), ("5", 500), ("7.25", 725), ("7.2%", 720), ("100", 10_000)]
)
def test_percentages_are_read_and_written(text: str, share_bp: int) -> None:
    assert parse_percent(text) == share_bp
    assert parse_percent(format_percent(share_bp).replace(" ", "")) == share_bp


@pytest.mark.parametrize("text", ["", "-1", "x", "100.01", "1.234", "1,5", ".5", "5.x"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_percent(text)


async def test_a_candidate_is_found_by_name_over_pages_or_by_address(tmp_path: Any) -> None:
    client = cast(Client, Listing("a", "b", "c"))
    assert await find_candidate(client, tmp_path, "c") == bytes([2]) * 32
    address = format_address(b"x" * 32)
    assert await find_candidate(client, tmp_path, address) == b"x" * 32


async def test_a_name_of_several_and_of_nobody_name_the_next_step(tmp_path: Any) -> None:
    with pytest.raises(InvalidInput) as twice:
        await find_candidate(cast(Client, Listing("a", "b", "a")), tmp_path, "a")
    assert twice.value.reason == "AMBIGUOUS_NAME"
    assert format_address(bytes([2]) * 32) in twice.value.message
    with pytest.raises(NotFound) as nobody:
        await find_candidate(cast(Client, Listing()), tmp_path, "who")
    assert "quorate candidate list" in nobody.value.message
