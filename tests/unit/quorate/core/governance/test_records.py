"""Records of changes by vote read back as they were, and nothing else reads."""

import pytest

from quorate.core.errors import MalformedBytes
from quorate.core.governance.parameters import (
    Change,
    add_change,
    decode_changes,
    encode_changes,
    find_first,
)
from quorate.core.governance.records import (
    Opened,
    Proposal,
    decode_opened,
    decode_proposal,
    encode_opened,
)
from quorate.core.governance.upgrades import Upgrade, decode_upgrades, encode_upgrades
from quorate.core.params import Params

PROPOSAL = Proposal(b"p" * 32, 9, "slash_bp", 7, "", 0, {b"a" * 32: True, b"b" * 32: False})
CHANGES = [Change("jail_epochs", 4, 1), Change("slash_bp", 2, 9), Change("slash_bp", 5, 8)]
UPGRADES = [Upgrade(5, "v2"), Upgrade(900, "2.1-rc_3")]


def test_records_read_back():
    assert decode_proposal(PROPOSAL.encode()) == PROPOSAL
    assert list(decode_changes(encode_changes(CHANGES))) == CHANGES
    assert decode_upgrades(encode_upgrades(UPGRADES)) == tuple(UPGRADES)
    opened = [Opened(b"i" * 32, b"p" * 32, 3)]
    assert decode_opened(encode_opened(opened)) == opened
    assert (decode_opened(b""), decode_upgrades(b""), decode_changes(b"")) == ([], (), ())


def test_equal_votes_are_equal_bytes_in_whatever_order_they_came():
    other = Proposal(*[getattr(PROPOSAL, name) for name in Proposal.__slots__[:-1]])
    for candidate in reversed(PROPOSAL.votes):
        other.votes[candidate] = PROPOSAL.votes[candidate]
    assert other.encode() == PROPOSAL.encode()


def test_a_change_drops_what_it_replaces_but_not_what_the_genesis_said():
    record = encode_changes(CHANGES)
    added = add_change(record, Change("slash_bp", 6, 3), 5, 500)
    assert decode_changes(added) == (
        Change("jail_epochs", 4, 1), Change("slash_bp", 0, 500), Change("slash_bp", 5, 8),
        Change("slash_bp", 6, 3),
    )  # fmt: skip
    added = add_change(added, Change("slash_bp", 6, 4), 5, 777)
    assert find_first(added, "slash_bp", Params()) == 500
    assert find_first(added, "stake_min", Params(stake_min=5)) == 5
    assert decode_changes(added)[-1] == Change("slash_bp", 6, 4)
    assert len(decode_changes(added)) == 4


@pytest.mark.parametrize(
    "decode", [decode_proposal, decode_changes, decode_upgrades, decode_opened]
)
def test_what_is_cut_off_or_goes_on_does_not_read(decode):
    record = {
        decode_proposal: PROPOSAL.encode(), decode_changes: encode_changes(CHANGES[:1]),
        decode_upgrades: encode_upgrades(UPGRADES[:1]),
        decode_opened: encode_opened([Opened(b"i" * 32, b"p" * 32, 3)]),
    }[decode]  # fmt: skip
    for wrong in [record[:cut] for cut in range(1, len(record))] + [record + b"x"]:
        with pytest.raises(MalformedBytes):
            decode(wrong)


def test_a_parameter_that_no_vote_changes_does_not_read():
    with pytest.raises(MalformedBytes, match="epoch_ms"):
        decode_changes(encode_changes([Change("epoch_ms", 1, 1)]))
