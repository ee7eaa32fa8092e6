"""Did any seat ever sign two messages that conflict? Merges the vote logs of any number of homes.

A tool that says "none" must first show that it would have found one: two vote logs with a planted
double vote are merged together with the real ones, and the finding must come out.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from quorate.consensus.audit import AuditedLog
from quorate.consensus.vote_log import VoteLog
from quorate.core import crypto
from quorate.core.audit import Audit, Finding, Seen, merge_messages
from quorate.core.bft import log
from quorate.core.bft.evidence import Signed, get_digest, get_kind
from quorate.core.bft.messages import TAGS, Kind, Vote, encode_statement
from quorate.core.codec import U16
from quorate.core.errors import InvalidInput, NotFound, Unavailable
from quorate.core.values import ZERO_HASH
from quorate.devnet.judging import Judge

_LOG: Final = Path("consensus", "log")
# What is planted comes first of all, in a view without leader, by seats that no set has.
_LIAR: Final = 2**16 - 1
_HONEST: Final = 2**16 - 2
_PLANTED: Final = (_LIAR, _HONEST)
_PLANTED_MESSAGES: Final = 4
_PROGRESS_EVERY: Final = 5_000

OnProgress = Callable[[int], None]


class AuditedMessage(NamedTuple):
    """One side of a finding: what was signed, and in which logs it is."""

    kind: str
    digest: bytes
    encoded: bytes
    sources: tuple[str, ...]


class AuditFinding(NamedTuple):
    """Two messages that conflict; `verified` tells whether both signatures hold.

    None: neither genesis nor database beside the logs tells the set of that epoch.
    """

    epoch: int
    view: int
    seat: int
    first: AuditedMessage
    second: AuditedMessage
    verified: bool | None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the logs show together; `findings` holds at most FINDINGS_MAX of `conflicts`."""

    logs: tuple[Path, ...]
    messages: int
    distinct: int
    views: int
    conflicts: int
    findings: tuple[AuditFinding, ...]


def merge_audit_logs(
    paths: Iterable[Path], on_progress: OnProgress = lambda messages: None
) -> AuditReport:
    """Return what the vote logs of these directories show when they are put together.

    A directory is a home, a network of homes, or a vote log itself; its validator may run, be
    stopped or have been killed. Raises NotFound (NO_VOTE_LOG), InvalidInput (MIXED_CHAINS),
    Unavailable (UNREADABLE_VOTE_LOG, AUDIT_BLIND).
    """
    places = find_logs(paths)
    with ExitStack() as stack:
        logs = [_open(stack, path, name) for path, name in places]
        _check_one_chain(logs)
        planted = _plant(stack)
        streams = [stream for each in (*logs, *planted) for stream in each.list_streams()]
        progress = _Progress(on_progress)
        audit = merge_messages([progress.count(stream) for stream in streams])
    _check_planted(audit)
    judge = Judge([path for path, _ in places])
    real = [each for each in audit.findings if each.seat not in _PLANTED]
    return AuditReport(
        logs=tuple([path for path, _ in places]),
        messages=audit.messages - _PLANTED_MESSAGES,
        distinct=audit.distinct - _PLANTED_MESSAGES,
        views=audit.views - 1,
        conflicts=audit.conflicts - 1,
        findings=tuple([_describe(each, judge) for each in real]),
    )


def find_logs(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Return the vote logs below these directories, each once, and what to call them."""
    found: dict[Path, None] = {}
    for path in paths:
        logs = _find_below(path.absolute())
        if not logs:
            raise NotFound(
                f"no vote log in {path}: name homes of validators, or the directory of a network",
                reason="NO_VOTE_LOG",
                path=path,
            )
        found.update(dict.fromkeys(logs))
    names = [_name(path) for path in found]
    alike = len(set(names)) < len(names)
    return [(path, str(path) if alike else name) for path, name in zip(found, names, strict=True)]


def _find_below(path: Path) -> list[Path]:
    candidates = [path, path / _LOG, *sorted(each / _LOG for each in path.glob("*"))]
    return [each for each in candidates if (each / "CURRENT").is_file()]


def _name(path: Path) -> str:
    return path.parents[1].name if path.parts[-2:] == _LOG.parts else path.name


def _open(stack: ExitStack, path: Path, name: str) -> AuditedLog:
    opened = AuditedLog(path, name)
    stack.callback(opened.close)
    return opened


def _check_one_chain(logs: Sequence[AuditedLog]) -> None:
    chains = {each.get_genesis_hash() for each in logs}
    if len(chains) > 1:
        raise InvalidInput(
            "these vote logs are of different chains: audit one chain at a time",
            reason="MIXED_CHAINS",
        )


# ---- the planted double vote -----------------------------------------------------------------


def _plant(stack: ExitStack) -> list[AuditedLog]:
    """Return two vote logs on disk: a seat's own one, and another's audit log of that seat."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quorate-audit-")))
    block, other = b"\1" * 32, b"\2" * 32
    records = {
        "own": [log.record_own(_sign(Kind.NOTARIZE, block, _LIAR))],
        "other": [
            log.record_audit(_LIAR, _sign(Kind.NOTARIZE, other, _LIAR)),
            log.record_audit(_HONEST, _sign(Kind.NOTARIZE, block, _HONEST)),
            log.record_audit(_HONEST, _sign(Kind.NULLIFY, ZERO_HASH, _HONEST)),
        ],
    }
    for name, each in records.items():
        written = VoteLog(directory / name, ZERO_HASH, ZERO_HASH)
        written.persist(each, synced=False)
        written.close()
    return [_open(stack, directory / name, f"planted {name}") for name in records]


def _sign(kind: Kind, digest: bytes, seat: int) -> Vote:
    key = crypto.SigningKey(U16.pack(seat) * 16)
    statement = encode_statement(0, 0, digest)
    return Vote(kind, 0, 0, digest, seat, key.sign(TAGS[kind], ZERO_HASH, statement))


def _check_planted(audit: Audit) -> None:
    """Raise Unavailable (AUDIT_BLIND) unless exactly the planted double vote was found."""
    if [each.seat for each in audit.findings if each.seat in _PLANTED] != [_LIAR]:
        raise Unavailable(
            "this audit does not tell a planted double vote from lawful votes, so it can say "
            "nothing about others: report this as a defect",
            reason="AUDIT_BLIND",
        )


class _Progress:
    """Counts messages of all streams and tells from time to time."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress, self._count = on_progress, 0

    def count(self, stream: Iterable[Seen]) -> Iterator[Seen]:
        for seen in stream:
            self._count += 1
            if self._count % _PROGRESS_EVERY == 0:
                self._on_progress(self._count)
            yield seen


def _describe(finding: Finding, judge: Judge) -> AuditFinding:
    return AuditFinding(
        finding.epoch,
        finding.view,
        finding.seat,
        _describe_message(finding.first, finding.first_sources),
        _describe_message(finding.second, finding.second_sources),
        judge.judge(finding),
    )


def _describe_message(message: Signed, sources: tuple[str, ...]) -> AuditedMessage:
    kind = get_kind(message).name.lower()
    return AuditedMessage(kind, get_digest(message), message.encode(), sources)
