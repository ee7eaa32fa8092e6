"""Reads every signed message out of a vote log, of a running, stopped or killed validator alike.

The log is opened read-only: nothing is written into it, and no lock is taken. A record that was cut
off at the very end is what a kill leaves and is passed over; any other damage is an error, since an
audit that silently misses messages is none.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rocksdict import AccessType, DBRecoveryMode, Options, Rdict

from quorate.consensus.vote_log import GENESIS_KEY
from quorate.core.accusations import decode_record, get_epoch
from quorate.core.audit import Seen
from quorate.core.bft.evidence import Signed, get_view
from quorate.core.bft.messages import Certificate, Proposal, Vote, decode_message
from quorate.core.errors import InvalidInput, MalformedBytes, NotFound, Unavailable

# Kinds of records that hold signed messages (core/bft/log.py), each in ascending order of views;
# and evidence, of which there is little.
KINDS: Final = (b"a", b"b", b"c", b"v")
EVIDENCE: Final = b"e"
# A running validator may remove a file between listing and opening it.
OPEN_ATTEMPTS: Final = 8


class AuditedLog:
    """A vote log opened for reading; `name` is what findings call it."""

    def __init__(self, path: Path, name: str) -> None:
        """Open the log; raises NotFound (NO_VOTE_LOG) or Unavailable (UNREADABLE_VOTE_LOG)."""
        self.path, self.name = path, name
        # RocksDB would make a directory that is not there.
        if not (path / "CURRENT").exists():
            raise NotFound(f"no vote log in {path}", reason="NO_VOTE_LOG", path=path)
        self._db = self._open()

    def get_genesis_hash(self) -> bytes:
        """Return the hash of the chain that this log belongs to."""
        return bytes(self._db.get(GENESIS_KEY) or b"")

    def list_streams(self) -> list[Iterator[Seen]]:
        """Return the log's messages as streams that each ascend by epoch and view.

        Iterating raises Unavailable (UNREADABLE_VOTE_LOG) for damage and for what does not parse.
        """
        return [*[self._iter_kind(kind) for kind in KINDS], self._iter_evidence()]

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def _open(self) -> Rdict:
        for _ in range(OPEN_ATTEMPTS - 1):
            try:
                return self._try_open()
            except Unavailable as error:
                if "No such file" not in error.message:
                    raise
        return self._try_open()

    def _try_open(self) -> Rdict:
        try:
            return Rdict(str(self.path), _build_options(), access_type=AccessType.read_only())
        except Exception as error:  # rocksdict raises nothing more specific
            raise self._unreadable(error) from error

    def _iter_kind(self, kind: bytes) -> Iterator[Seen]:
        for value in self._iter_values(kind):
            for message in self._decode(value):
                yield Seen(self.name, message)

    def _iter_evidence(self) -> Iterator[Seen]:
        found: list[Signed] = []
        for value in self._iter_values(EVIDENCE):
            try:
                found += decode_record(value)[-2:]
            except InvalidInput as error:
                raise self._unreadable(error) from error
        for message in sorted(found, key=lambda each: (get_epoch(each), get_view(each))):
            yield Seen(self.name, message)

    def _iter_values(self, kind: bytes) -> Iterator[bytes]:
        try:
            cursor = self._db.iter()
            cursor.seek(kind)
        except Exception as error:  # rocksdict raises nothing more specific
            raise self._unreadable(error) from error
        while cursor.valid() and cursor.key().startswith(kind):
            yield cursor.value()
            cursor.next()
        try:
            cursor.status()
        except Exception as error:  # rocksdict raises nothing more specific
            raise self._unreadable(error) from error

    def _decode(self, value: bytes) -> list[Signed]:
        try:
            message = decode_message(value)
        except MalformedBytes as error:
            raise self._unreadable(error) from error
        if isinstance(message, Certificate):
            return [
                Vote(message.kind, message.epoch, message.view, message.digest, seat, signature)
                for seat, signature in message.signatures
            ]
        if not isinstance(message, Vote | Proposal):
            raise self._unreadable(MalformedBytes("record", "nobody signs this in a view"))
        return [message]

    def _unreadable(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"the vote log {self.path} cannot be read whole ({error})",
            reason="UNREADABLE_VOTE_LOG",
            path=self.path,
        )


def _build_options() -> Options:
    options = Options(raw_mode=True)
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    # All files are opened at once: a running validator may remove them later.
    options.set_max_open_files(-1)
    return options
