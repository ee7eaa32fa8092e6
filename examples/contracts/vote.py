"""A vote: so many options, a list of voters with weights, one choice each, until a deadline.

The organiser registers voters until the vote is opened, and nobody after that. A voter may change
its choice until the deadline, or pass its weight on to another voter for good.
"""

from quorate.lang import (
    Address,
    Contract,
    Event,
    List,
    Map,
    Record,
    emit,
    public,
    u8,
    u64,
    view,
)

OPTIONS_MAX = 32
UNDECIDED = 255


class Voter(Record):
    """Weight to vote with, and the option it stands for: UNDECIDED before the first choice."""

    weight: u64
    choice: u8


class Registered(Event):
    """Somebody may vote."""

    voter: Address
    weight: u64


class Opened(Event):
    """The list of voters is closed and voting begins."""

    total_weight: u64
    deadline_ms: u64


class Voted(Event):
    """A voter chose, or chose anew."""

    voter: Address
    option: u8
    weight: u64


class Delegated(Event):
    """A voter gave its weight to another."""

    voter: Address
    to: Address
    weight: u64


class Vote(Contract):
    """One question."""

    organiser: Address
    question: str
    options: List[str]
    voters: Map[Address, Voter]
    tally: Map[u8, u64]
    total_weight: u64
    voted_weight: u64
    deadline_ms: u64

    def __init__(self, question: str, options: List[str]) -> None:
        assert 2 <= len(options) <= OPTIONS_MAX, "2 to 32 options"
        self.organiser = self.caller
        self.question = question
        self.options = options

    @public
    def register(self, voters: List[tuple[Address, u64]]) -> None:
        """Add voters with their weights; only the organiser may, before the vote is opened."""
        self.check_preparing()
        for voter, weight in voters:
            assert weight > 0, "a voter needs weight"
            assert voter not in self.voters, "a voter is registered already"
            self.voters[voter] = Voter(weight, UNDECIDED)
            self.total_weight += weight
            emit(Registered(voter, weight))

    @public
    def open(self, duration_ms: u64) -> None:
        """Close the list of voters and begin."""
        self.check_preparing()
        assert self.total_weight > 0, "there are no voters"
        assert duration_ms > 0, "nobody could vote"
        self.deadline_ms = self.time_ms + duration_ms
        emit(Opened(self.total_weight, self.deadline_ms))

    @public
    def vote(self, option: u8) -> None:
        """Choose an option, or another than before."""
        voter = self.get_voter(self.caller)
        assert option < len(self.options), "there is no such option"
        self.withdraw_choice(voter)
        voter.choice = option
        self.voters[self.caller] = voter
        self.tally[option] += voter.weight
        self.voted_weight += voter.weight
        emit(Voted(self.caller, option, voter.weight))

    @public
    def delegate(self, to: Address) -> None:
        """Give one's weight to another voter, who votes with it from now on."""
        assert to != self.caller, "that is you"
        voter = self.get_voter(self.caller)
        other = self.get_voter(to)
        self.withdraw_choice(voter)
        del self.voters[self.caller]
        other.weight += voter.weight
        if other.choice != UNDECIDED:
            self.tally[other.choice] += voter.weight
            self.voted_weight += voter.weight
        self.voters[to] = other
        emit(Delegated(self.caller, to, voter.weight))

    @view
    def result(self) -> List[u64]:
        """Return the weight of every option as it stands."""
        weights: List[u64] = []
        for i in range(len(self.options)):
            weights.append(self.tally[u8(i)])
        return weights

    @view
    def winner(self) -> u8:
        """Return the option with most weight, after the deadline; a tie is no decision."""
        assert self.deadline_ms > 0 and self.time_ms >= self.deadline_ms, "the vote still runs"
        assert self.voted_weight > 0, "nobody voted"
        best = u8(0)
        tie = False
        for i in range(1, len(self.options)):
            weight = self.tally[u8(i)]
            if weight > self.tally[best]:
                best = u8(i)
                tie = False
            elif weight == self.tally[best]:
                tie = True
        assert not tie, "a tie decides nothing"
        return best

    def check_preparing(self) -> None:
        assert self.caller == self.organiser, "only the organiser may"
        assert self.deadline_ms == 0, "the vote has been opened"

    def get_voter(self, address: Address) -> Voter:
        assert self.deadline_ms > 0, "the vote is not open yet"
        assert self.time_ms < self.deadline_ms, "the vote is over"
        assert address in self.voters, "not a voter"
        return self.voters[address]

    def withdraw_choice(self, voter: Voter) -> None:
        if voter.choice != UNDECIDED:
            self.tally[voter.choice] -= voter.weight
            self.voted_weight -= voter.weight
