"""What a child doesn't have it asks of the service: records of storage, compiled modules."""

from collections.abc import Callable, Sequence

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts import frames
from quorate.contracts.engine import Artefact
from quorate.contracts.frames import Link
from quorate.core.contracts.machine import Code, Stopped
from quorate.core.records import Record


class Abandoned(Exception):
    """Nobody waits for this work any more."""


class AskedRecords(dict[bytes, bytes]):
    """Records of storage, each asked for once: in one go beforehand, or when it is missed."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def __missing__(self, key: bytes) -> bytes:
        self.load([key])
        return self[key]

    def load(self, keys: Sequence[bytes]) -> None:
        """Ask for records that are not here yet; raises Abandoned."""
        wanted = [key for key in keys if key not in self]
        if not wanted:
            return
        answer = pb.Answer(need=pb.Need(keys=wanted))
        self._link.send(frames.ANSWER, answer.SerializeToString())
        frame = _expect(self._link, frames.ASK)
        values = pb.Ask.FromString(frame.body).records.values
        assert len(values) == len(wanted), "storage answers every key that it was asked for"
        self.update(zip(wanted, values, strict=True))

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        """Never: no payload scans, and epochs end in storage."""
        raise AssertionError(f"a scan of {prefix!r} in a slice")


class AskedArtefacts:
    """Compiled modules: the service has them, or has them made."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def get(self, code: Code, read_code: Callable[[bytes], bytes]) -> Artefact:
        """Return a compiled module; raises Stopped (BAD_MODULE) or Abandoned."""
        self._link.send(frames.WANTED, frames.CODE.pack(code.profile, code.hash))
        frame = _expect(self._link, frames.ARTEFACT, frames.MISSING)
        if frame.kind == frames.MISSING:
            module = read_code(code.hash)
            self._link.send(frames.MODULE, frames.CODE.pack(code.profile, code.hash) + module)
            frame = _expect(self._link, frames.ARTEFACT, frames.REFUSED)
        if frame.kind == frames.REFUSED:
            # The receipt carries the text, so it is the same whatever the engine says.
            raise Stopped("BAD_MODULE", "the engine refuses the module")
        return Artefact.decode(frame.body)


def _expect(link: Link, *kinds: int) -> frames.Frame:
    frame = link.receive()
    if frame is None:
        raise BrokenPipeError
    if frame.kind == frames.RESET:
        raise Abandoned
    assert frame.kind in kinds, f"frame {frame.kind}, one of {kinds} expected"
    return frame
