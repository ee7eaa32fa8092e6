"""Whose signature is it? Verifies findings of an audit with the sets that lie beside the logs.

The genesis has the first sets; those of later epochs are elected, so they stand in the database of
a validator. One that runs keeps it to itself: then nothing is said of later epochs.
"""

from collections.abc import Sequence
from pathlib import Path

from quorate.core.accusations import is_authentic
from quorate.core.audit import Finding
from quorate.core.errors import QuorateError
from quorate.core.genesis import Genesis, parse_genesis
from quorate.core.seats import SeatSet
from quorate.kit.logs import get_logger
from quorate.storage.database import Database
from quorate.storage.store import Store

log = get_logger("audit")


class Judge:
    """Knows the sets of one chain, as far as the homes of these logs tell."""

    def __init__(self, logs: Sequence[Path]) -> None:
        self._homes = [path.parents[1] for path in logs]
        self._genesis = _find_genesis(self._homes)
        self._sets: dict[int, SeatSet | None] = {}
        if self._genesis is not None:
            self._sets |= {each.epoch: each for each in self._genesis.sets}

    def judge(self, finding: Finding) -> bool | None:
        """Tell whether both signatures hold; None when the set of their epoch is not known."""
        seats = self._find_set(finding.epoch)
        if self._genesis is None or seats is None:
            return None
        key = seats.get_key(finding.seat)
        if key is None:
            return False
        both, domain = (finding.first, finding.second), self._genesis.domain
        return all(is_authentic(each, key, domain) for each in both)

    def _find_set(self, epoch: int) -> SeatSet | None:
        if epoch not in self._sets:
            found = (self._load_set(home, epoch) for home in self._homes)
            self._sets[epoch] = next((each for each in found if each is not None), None)
        return self._sets[epoch]

    def _load_set(self, home: Path, epoch: int) -> SeatSet | None:
        path = home / "storage" / "db"
        if self._genesis is None or not path.exists():
            return None
        try:
            database = Database(path, read_only=True)
        except QuorateError as error:
            log.debug("no sets from here", home=str(home), why=error.message)
            return None
        try:
            return Store(database, self._genesis).load_set(epoch)
        finally:
            database.close()


def _find_genesis(homes: Sequence[Path]) -> Genesis | None:
    for home in homes:
        path = home / "genesis.json"
        if path.is_file():
            return parse_genesis(path.read_text())
    return None
