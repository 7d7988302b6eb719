"""Fingerprints of the log files that a report came from, and whether one of them has changed since.

Nothing that is slow to import: a list of logs asks it for each row that has a report.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import orjson
from msgspec import Struct

from massgen_logs.attempt import Attempt
from massgen_logs.handles import file_status, open_file
from massgen_logs.tree import Place, Session, Turn

DATA = "ANALYSIS_REPORT.json"
"""The name of the file beside the report."""
_END = 65_536
_LARGEST = 8_000_000
"""Bytes of a report or of its ANALYSIS_REPORT.json that are read; a larger one is not ours."""


class Fingerprint(Struct, frozen=True):
    """name: path below the session's folder; size in bytes; sha256 of the first and the last 64 KB (of all, if smaller)."""

    name: str
    size: int
    sha256: str


def fingerprints(place: Place, sources: Iterable[str]) -> list[Fingerprint]:
    """Of the files of an attempt that a Run was read from: its sources, and its answers and votes."""
    attempt = place.attempt
    names = [tuple(source.split("/")) for source in sources]
    for agent, stamps in attempt.agent_folders().items():
        names += [(agent, stamp, name) for stamp in stamps for name in ("answer.txt", "vote.json")]
        names.append(("final", agent, "answer.txt"))
    paths = list(dict.fromkeys(path for parts in names if (path := attempt.file(*parts)) is not None))
    found: list[Fingerprint] = []
    for path in paths:
        info = file_status(path)
        try:
            if info is not None:
                found.append(Fingerprint(path.relative_to(place.session.path).as_posix(), info.st_size, digest(path)))
        except (OSError, ValueError):
            continue
    return sorted(found, key=lambda print_: print_.name)


def digest(path: Path) -> str:
    """sha256 of the first and the last 64 KB of a file; of the whole file where these overlap.

    Raises:
        OSError: if it can't be read.
    """
    import hashlib  # here and below: a list of logs without reports needs it not

    with os.fdopen(open_file(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= 2 * _END:
            return hashlib.sha256(file.read(2 * _END)).hexdigest()
        whole = hashlib.sha256(file.read(_END))
        file.seek(size - _END)
        whole.update(file.read(_END))
        return whole.hexdigest()


def stale(session: Session, turn: Turn) -> bool | None:
    """Whether the log changed after the turn's report: a file it came from, or another attempt since.

    None where that can't be known: no report, no readable ANALYSIS_REPORT.json beside it, or one of another text (its
    report_sha256 is not that of the report: edited by hand, or a writer was killed between the two files). A log file of
    another size has changed, one that was not written to since has not; only one of the same size and a later time is read.
    """
    if not turn.analyzed:
        return None
    try:
        report, _ = _read(turn.report)
        text, written_ns = _read(turn.path / DATA)
        data: object = orjson.loads(text)
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict):
        return None
    import hashlib

    record = cast("dict[str, object]", data)
    known = _known(record.get("fingerprints"))
    if known is None or record.get("report_sha256") != hashlib.sha256(report).hexdigest():
        return None
    attempts = record.get("attempts")
    if isinstance(attempts, int) and attempts != len(turn.attempts):
        return True
    return any(_changed(session.path, print_, written_ns) for print_ in known)


def _read(path: Path) -> tuple[bytes, int]:
    """A file whole, and when it was last written (ns); OSError if that can't be, or for one that is too large."""
    with os.fdopen(open_file(path), "rb") as file:
        content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise OSError("too large")
        return content, os.fstat(file.fileno()).st_mtime_ns


def _known(value: object) -> list[Fingerprint] | None:
    """The recorded fingerprints; None if there are none, or one can't be one (a name must stay below the session)."""
    if not isinstance(value, list) or not value:
        return None
    found: list[Fingerprint] = []
    for item in cast("list[object]", value):
        entry = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        name, size, sha256 = entry.get("name"), entry.get("size"), entry.get("sha256")
        if not (isinstance(name, str) and isinstance(size, int) and isinstance(sha256, str)):
            return None
        if not name or not all(part not in {"", ".", ".."} for part in name.split("/")):
            return None
        found.append(Fingerprint(name, size, sha256))
    return found


def _changed(session: Path, known: Fingerprint, since_ns: int) -> bool:
    path = Attempt(0, session).file(*known.name.split("/"))
    if path is None:
        return True
    info = file_status(path)
    if info is None:
        return True
    try:
        return info.st_size != known.size or (info.st_mtime_ns >= since_ns and digest(path) != known.sha256)
    except OSError:
        return True
