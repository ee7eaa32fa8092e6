"""Files that commands read and write: bounded, whole or not at all, never overwritten unasked."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from quorate.core.errors import InvalidGenesis, InvalidInput, NotFound, Rejected
from quorate.core.genesis_fields import DOCUMENT_BYTES_MAX, Faults
from quorate.core.genesis_parts import Part, read_part
from quorate.core.params import Params


def read_document(path: Path) -> str:
    """Return a text file; raises NotFound, InvalidInput (unreadable, too large, not UTF-8)."""
    try:
        with path.open("rb") as file:
            data = file.read(DOCUMENT_BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}", reason="NO_FILE", path=path) from error
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error}", reason="BAD_FILE") from error
    if len(data) > DOCUMENT_BYTES_MAX:
        raise InvalidInput(f"{path} is over {DOCUMENT_BYTES_MAX} bytes", reason="BAD_FILE")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8", reason="BAD_FILE") from error


def load_part(path: Path, faults: Faults | None = None) -> Part:
    """Return a part of a genesis; notes its faults with the file's name, or raises them."""
    part, found = read_part(read_document(path), str(path))
    if faults is None:
        require_sound(found)
        return part
    for fault in found.found:
        faults.note(fault)
    return part


def require_sound(faults: Faults) -> None:
    """Raise one error that names every fault with its field, if there is any."""
    if not faults.found:
        return
    if len(faults.found) == 1:
        raise faults.found[0]
    listed = "\n".join(f"  {fault.field}: {fault.why}" for fault in faults.found)
    raise InvalidInput(
        f"{len(faults.found)} faults:\n{listed}",
        reason=InvalidGenesis.reason,
        **{fault.field: fault.why for fault in faults.found},
    )


def parse_params(texts: list[str]) -> dict[str, int]:
    """Return parameters given as NAME=VALUE; raises InvalidGenesis naming the first wrong one."""
    found: dict[str, int] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        digits = value.replace("_", "")
        if not equals or not digits.isascii() or not digits.isdigit() or len(digits) > 20:
            raise InvalidGenesis(f"params.{name}", "must be given as NAME=VALUE, an integer")
        if name in found:
            raise InvalidGenesis(f"params.{name}", "is given twice")
        Params.parse({name: int(digits)})
        found[name] = int(digits)
    return found


def check_writable(path: Path, *, force: bool) -> None:
    """Raise Rejected when a file is in the way, before anything is done for it."""
    if path.exists() and not force:
        raise Rejected(
            f"{path} exists already: choose another name, or --force", reason="FILE_EXISTS"
        )


def write_document(path: Path, text: str, *, force: bool) -> None:
    """Write a text file whole or not at all; raises Rejected (FILE_EXISTS), InvalidInput."""
    write_lines(path, [text.encode()], force=force)


def write_lines(path: Path, lines: Iterable[bytes], *, force: bool) -> None:
    """Write bytes to a file, whole or not at all; raises Rejected (FILE_EXISTS), InvalidInput."""
    check_writable(path, force=force)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error}", reason="BAD_FILE") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        # Documents are public; the temporary file was not.
        Path(name).chmod(0o644)
        _move(Path(name), path, force=force)
    except FileExistsError as error:
        raise Rejected(f"{path} exists already", reason="FILE_EXISTS") from error
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error}", reason="BAD_FILE") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _move(source: Path, target: Path, *, force: bool) -> None:
    if force:
        source.replace(target)
    else:
        # Fails when another command was faster.
        os.link(source, target)
