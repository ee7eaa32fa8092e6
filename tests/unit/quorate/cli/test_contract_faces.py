"""A contract's bytes are shown by its interface; without one, or where they lie, as hex."""

from pathlib import Path

import pytest

from quorate.cli import contract_book
from quorate.cli.contract_faces import Face, Faces
from quorate.cli.contract_names import NOBODY, Names
from quorate.cli.contract_panels import (
    describe_changes,
    describe_event,
    describe_failure,
    describe_state,
)
from quorate.core.errors import InvalidInput, NotFound
from quorate.core.values import format_address
from quorate.devnet.layout import DEFAULT_DIRECTORY
from quorate.sdk.contract_messages import Event, Failure, StateChange, StateRecord
from quorate.sdk.contract_values import compute_key, encode_fields
from tests.unit.quorate.cli.contracts import ALICE, INTERFACE, TOKEN, make_faces, make_names


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Names:
    (tmp_path / DEFAULT_DIRECTORY).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    contract_book.save("token", TOKEN)
    return make_names(tmp_path)


@pytest.fixture
def face(names: Names) -> Face:
    return Face(TOKEN, INTERFACE, names)


def test_names_stand_for_contracts_keys_and_nobody(names: Names) -> None:
    assert names.resolve("token") == TOKEN
    assert names.resolve("alice") == ALICE
    assert names.resolve(NOBODY) == bytes(32)
    assert names.resolve("0x" + TOKEN.hex()) == TOKEN
    assert names.resolve(format_address(ALICE)) == ALICE
    assert (names.find(TOKEN), names.find(ALICE), names.find(b"\3" * 32)) == ("token", "alice", "")
    with pytest.raises(NotFound):
        names.resolve("bob")
    with pytest.raises(InvalidInput):
        names.resolve("0x12")


def test_arguments_are_encoded_by_the_method(face: Face) -> None:
    expected = ALICE + (5).to_bytes(8, "little")
    assert face.encode_arguments("transfer", ["alice", "5"]) == expected
    assert face.encode_arguments("transfer", ["amount=5", "to=alice"]) == expected
    assert face.encode_arguments("init", ["7"]) == (7).to_bytes(8, "little")
    with pytest.raises(NotFound, match="transfer"):
        face.encode_arguments("tranfer", [])


def test_without_an_interface_arguments_are_hex(face: Face) -> None:
    bare = face._replace(interface=None)
    assert bare.encode_arguments("anything", ["0x0a0b"]) == b"\x0a\x0b"
    assert bare.encode_arguments("anything", []) == b""
    with pytest.raises(InvalidInput) as caught:
        bare.encode_arguments("anything", ["alice"])
    assert caught.value.reason == "NO_INTERFACE"


def test_records_are_shown_as_variables_and_entries(face: Face) -> None:
    balance = compute_key(INTERFACE, "balances", ALICE)
    limit = compute_key(INTERFACE, "limits", "night", 3)
    offer = ALICE + (9).to_bytes(8, "little")
    assert face.read_name(balance)[0] == f"balances[{format_address(ALICE)} (alice)]"
    assert face.read_record(balance, (1_000).to_bytes(8, "little")) == ("1,000", 1_000)
    assert face.read_name(limit)[0] == 'limits["night"][3]'
    shown, document = face.read_record(limit, offer)
    assert shown == f"Offer(seller={format_address(ALICE)} (alice), price=9)"
    assert document == {"seller": format_address(ALICE), "price": 9}
    assert face.read_record(compute_key(INTERFACE, "owner"), b"") == ("", None)


@pytest.mark.parametrize(
    "key", [b"\0", b"\5other", b"\5owner!", b"\x08balances\1\2", b"\xff", b"z"]
)
def test_keys_that_are_no_variables_are_shown_as_hex(face: Face, key: bytes) -> None:
    assert face.read_name(key) == ("0x" + key.hex(), {"variable": None, "keys": []})
    assert face.read_record(key, b"\7") == ("0x07", "0x07")


def test_values_that_lie_are_shown_as_hex(face: Face) -> None:
    key = compute_key(INTERFACE, "balances", ALICE)
    assert face.read_record(key, b"\1\2\3")[0] == "0x010203"
    assert face.read_result("transfer", b"\7")[0] == "0x07"
    assert face.read_event("Sent", b"\7")[0] == "0x07"
    assert face.read_event("Unknown", bytes(40))[0] == "0x" + "00" * 32 + "… (40 bytes)"


def test_results_and_events_are_shown_by_their_types(face: Face) -> None:
    assert face.read_result("transfer", b"\1") == ("true", True)
    assert face.read_result("init", b"") == ("", None)
    data = encode_fields(INTERFACE.events["Sent"], [ALICE, 5], INTERFACE.records)
    text, document = face.read_event("Sent", data)
    assert text == f"to={format_address(ALICE)} (alice), amount=5"
    assert document == {"to": format_address(ALICE), "amount": 5}


def fix_faces(face: Face) -> Faces:
    return make_faces(face.names)[0]


async def test_documents_have_keys_values_and_contracts(face: Face) -> None:
    key, five = compute_key(INTERFACE, "balances", ALICE), (5).to_bytes(8, "little")
    named = {"variable": "balances", "keys": [format_address(ALICE)], "key": "0x" + key.hex()}
    assert describe_state(face, [StateRecord(key, five)]) == [{**named, "value": 5}]
    faces = fix_faces(face)
    where = {"contract": format_address(TOKEN)}
    changes = [StateChange(TOKEN, key, b"", five)]
    assert describe_changes(faces, changes) == [{**where, **named, "before": None, "after": 5}]
    other = Event(ALICE, "Sent", b"\1")
    assert describe_event(faces, other) == {
        "contract": format_address(ALICE), "name": "Sent", "fields": "0x01",
    }  # fmt: skip


async def test_failures_are_told_in_a_sentence(face: Face) -> None:
    failure = Failure("REVERTED", "not enough", TOKEN, "transfer", 12)
    told = describe_failure(fix_faces(face), failure)
    assert told == "token.transfer reverted: not enough (line 12)"
    failure = Failure("OUT_OF_FUEL", "", ALICE, "pay", 0)
    assert describe_failure(fix_faces(face), failure) == "alice.pay ran out of fuel"
