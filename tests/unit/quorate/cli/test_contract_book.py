"""Names of contracts live in the local network's directory, and nowhere else."""

from pathlib import Path

import pytest

from quorate.cli import contract_book
from quorate.core.errors import InvalidInput, NotFound
from quorate.core.values import format_address
from quorate.devnet.layout import DEFAULT_DIRECTORY

ADDRESS, OTHER = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / DEFAULT_DIRECTORY).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_a_saved_name_stands_for_its_address_until_another_takes_it() -> None:
    contract_book.save("token", ADDRESS)
    contract_book.save("bank-2", OTHER)
    assert contract_book.resolve("token") == ADDRESS
    assert contract_book.find_name(OTHER) == "bank-2"
    contract_book.save("token", OTHER)
    assert contract_book.list_names() == {"bank-2": OTHER, "token": OTHER}
    assert contract_book.find_name(ADDRESS) == ""


@pytest.mark.usefixtures("here")
def test_an_address_needs_no_name() -> None:
    assert contract_book.resolve(format_address(ADDRESS)) == ADDRESS


@pytest.mark.usefixtures("here")
def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    contract_book.save("token", ADDRESS)
    with pytest.raises(NotFound, match="there: token") as caught:
        contract_book.resolve("tokens")
    assert caught.value.reason == "NO_CONTRACT_NAME"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["", "a b", "a/b", "qr1abc", "x" * 65])
def test_a_name_is_a_word_and_not_like_an_address(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        contract_book.save(name, ADDRESS)
    assert caught.value.reason == "BAD_CONTRACT_NAME"


def test_without_a_local_network_there_are_no_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert contract_book.list_names() == {}
    with pytest.raises(NotFound, match="quorate devnet up"):
        contract_book.save("token", ADDRESS)


@pytest.mark.parametrize("text", ["{", "[]", '{"contracts": {"a": "x"}}', '{"contracts": [1]}'])
def test_damaged_names_say_what_to_do(here: Path, text: str) -> None:
    (here / DEFAULT_DIRECTORY / "contracts.json").write_text(text)
    with pytest.raises(InvalidInput, match="delete it") as caught:
        contract_book.list_names()
    assert caught.value.reason == "MALFORMED_NAMES"
