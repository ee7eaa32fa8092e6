"""An oracle: several reporters each say a number, and the median of enough of them is the answer.

Reports are collected in rounds. A round closes as soon as `quorum` reporters have reported; its
answer is their median. So up to (quorum − 1) // 2 liars can't move it out of what the honest ones
reported; more of them can, if they report first, which is why a quorum should be most of all
reporters. A round in which too few report is given up after `ROUND_MS`. Who uses the answer says
how old it may be at most: a number without its age is a trap.
"""

from quorate.lang import (
    Address,
    Contract,
    Event,
    List,
    Map,
    Record,
    emit,
    i64,
    public,
    u8,
    u64,
    view,
)

REPORTERS_MAX = 31
ROUND_MS = 60_000


class Answer(Record):
    """What a round came to, and when."""

    value: i64
    time_ms: u64
    round: u64


class Reported(Event):
    """A reporter said its number."""

    round: u64
    reporter: Address
    value: i64


class Answered(Event):
    """A round has closed."""

    round: u64
    value: i64


class GivenUp(Event):
    """Too few reported in time."""

    round: u64
    reports: u8


class ReportersChanged(Event):
    """Others report from now on."""

    count: u8
    quorum: u8


class Oracle(Contract):
    """One quantity, named by `subject`, in units that `subject` should say."""

    owner: Address
    subject: str
    reporters: List[Address]
    quorum: u8
    round: u64
    opened_ms: u64
    reported: Map[u64, Map[Address, bool]]
    reports: List[i64]
    answer: Answer

    def __init__(self, subject: str, reporters: List[Address], quorum: u8) -> None:
        self.owner = self.caller
        self.subject = subject
        self.round = 1
        self.set_reporters(reporters, quorum)

    @public
    def report(self, value: i64) -> None:
        """Say a number; the last one that the quorum needs closes the round."""
        assert self.caller in self.reporters, "only a reporter may"
        if len(self.reports) == 0:
            self.opened_ms = self.time_ms
        elif self.time_ms - self.opened_ms >= ROUND_MS:
            self.give_up()
            self.opened_ms = self.time_ms
        assert not self.reported[self.round][self.caller], "reported in this round already"
        self.reported[self.round][self.caller] = True
        reports = self.reports
        insert_sorted(reports, value)
        self.reports = reports
        emit(Reported(self.round, self.caller, value))
        if len(reports) >= self.quorum:
            self.close(median(reports))

    @public
    def change_reporters(self, reporters: List[Address], quorum: u8) -> None:
        """Name others to report, and how many are needed; the running round is given up."""
        assert self.caller == self.owner, "only the owner may"
        self.give_up()
        self.set_reporters(reporters, quorum)

    @view
    def read(self, age_max_ms: u64) -> i64:
        """Return the last answer, if it is young enough."""
        assert self.answer.round > 0, "there is no answer yet"
        assert self.time_ms - self.answer.time_ms <= age_max_ms, "the answer is too old"
        return self.answer.value

    @view
    def last(self) -> Answer:
        """Return the last answer, however old."""
        return self.answer

    def set_reporters(self, reporters: List[Address], quorum: u8) -> None:
        assert 1 <= len(reporters) <= REPORTERS_MAX, "1 to 31 reporters"
        assert quorum <= len(reporters), "more are needed than there are"
        assert 2 * u64(quorum) > len(reporters), "a quorum must be more than half"
        for i in range(len(reporters)):
            for j in range(i):
                assert reporters[i] != reporters[j], "a reporter is named twice"
        self.reporters = reporters
        self.quorum = quorum
        emit(ReportersChanged(u8(len(reporters)), quorum))

    def close(self, value: i64) -> None:
        self.answer = Answer(value, self.time_ms, self.round)
        emit(Answered(self.round, value))
        self.next_round()

    def give_up(self) -> None:
        emit(GivenUp(self.round, u8(len(self.reports))))
        self.next_round()

    def next_round(self) -> None:
        for reporter in self.reporters:
            del self.reported[self.round][reporter]
        self.reports = []
        self.round += 1


def insert_sorted(values: List[i64], value: i64) -> None:
    """Put a value where it belongs in a list in ascending order."""
    values.append(value)
    i = len(values) - 1
    while i > 0 and values[i - 1] > value:
        values[i] = values[i - 1]
        i -= 1
    values[i] = value


def median(ascending: List[i64]) -> i64:
    """Return the middle value; of an even number of them the lower one in the middle."""
    return ascending[(len(ascending) - 1) // 2]
