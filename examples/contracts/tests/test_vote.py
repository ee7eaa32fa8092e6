"""The vote: weights count once, choices can change until the deadline, ties decide nothing."""

import pytest

from quorate.lang.testing import Chain, Deployed, reverts

DAY_MS = 24 * 3_600_000


@pytest.fixture
def vote(chain: Chain) -> Deployed:
    organiser = chain.account("organiser")
    vote = chain.deploy("vote.py", "Which colour?", ["red", "green", "blue"], caller=organiser)
    weights = [("ann", 5), ("ben", 3), ("cleo", 2)]
    vote.register([(chain.account(name), weight) for name, weight in weights], caller=organiser)
    return vote


@pytest.fixture
def opened(chain: Chain, vote: Deployed) -> Deployed:
    vote.open(DAY_MS, caller=chain.account("organiser"))
    return vote


def test_weight_decides(chain: Chain, opened: Deployed) -> None:
    opened.vote(0, caller=chain.account("ann"))
    opened.vote(1, caller=chain.account("ben"))
    opened.vote(1, caller=chain.account("cleo"))
    assert opened.result() == [5, 5, 0]
    opened.vote(0, caller=chain.account("cleo"))
    assert opened.result() == [7, 3, 0]
    chain.advance(DAY_MS)
    assert opened.winner() == 0


def test_a_changed_mind_counts_once(chain: Chain, opened: Deployed) -> None:
    for option in (0, 1, 2, 2, 1):
        opened.vote(option, caller=chain.account("ann"))
    assert opened.result() == [0, 5, 0]
    assert opened.voted_weight == 5


def test_tie_decides_nothing(chain: Chain, opened: Deployed) -> None:
    opened.vote(0, caller=chain.account("ann"))
    opened.vote(2, caller=chain.account("ben"))
    opened.vote(2, caller=chain.account("cleo"))
    chain.advance(DAY_MS)
    with reverts("a tie decides nothing"):
        opened.winner()


def test_nobody_voted(chain: Chain, opened: Deployed) -> None:
    with reverts("the vote still runs"):
        opened.winner()
    chain.advance(DAY_MS)
    with reverts("nobody voted"):
        opened.winner()


def test_strangers_and_late_voters(chain: Chain, opened: Deployed) -> None:
    with reverts("not a voter"):
        opened.vote(0, caller=chain.account("stranger"))
    with reverts("there is no such option"):
        opened.vote(3, caller=chain.account("ann"))
    chain.advance(DAY_MS)
    with reverts("the vote is over"):
        opened.vote(0, caller=chain.account("ann"))


def test_list_of_voters_is_closed_by_opening(chain: Chain, opened: Deployed) -> None:
    organiser = chain.account("organiser")
    with reverts("has been opened"):
        opened.register([(chain.account("friend"), 100)], caller=organiser)
    with reverts("has been opened"):
        opened.open(DAY_MS, caller=organiser)


def test_nobody_votes_before_it_is_opened(chain: Chain, vote: Deployed) -> None:
    with reverts("not open yet"):
        vote.vote(0, caller=chain.account("ann"))


def test_only_the_organiser_registers(chain: Chain, vote: Deployed) -> None:
    ann = chain.account("ann")
    with reverts("only the organiser may"):
        vote.register([(ann, 100)], caller=ann)
    with reverts("registered already"):
        vote.register([(ann, 100)], caller=chain.account("organiser"))
    assert vote.total_weight == 10


def test_delegated_weight_moves_once(chain: Chain, opened: Deployed) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    opened.vote(0, caller=ann)
    opened.vote(1, caller=ben)
    opened.delegate(ben, caller=ann)
    assert opened.result() == [0, 8, 0]
    assert ann not in opened.voters
    with reverts("not a voter"):
        opened.vote(0, caller=ann)
    opened.vote(2, caller=ben)
    assert opened.result() == [0, 0, 8]


def test_nobody_delegates_in_a_circle(chain: Chain, opened: Deployed) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    with reverts("that is you"):
        opened.delegate(ann, caller=ann)
    opened.delegate(ben, caller=ann)
    with reverts("not a voter"):
        opened.delegate(ann, caller=ben)


def test_weights_never_overflow(chain: Chain, vote: Deployed) -> None:
    with reverts("overflow"):
        vote.register([(chain.account("giant"), 2**64 - 1)], caller=chain.account("organiser"))


def test_vote_needs_a_choice(chain: Chain) -> None:
    with reverts("2 to 32 options"):
        chain.deploy("vote.py", "Well?", ["yes"], caller=chain.account("organiser"))
