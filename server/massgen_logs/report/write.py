"""Writing a report: whole or not at all, never over another one unasked, one writer at a time.

Both files are written to the disk under temporary names first; then the earlier ones get a second name (a hard link); then
the new ones get theirs, ANALYSIS_REPORT.md before ANALYSIS_REPORT.json. A writer that is killed leaves the old report or the
new one, whole. If it is killed between the last two steps the JSON is still that of the old report: its report_sha256 tells.
Temporary files of killed writers are removed by the next one.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from massgen_logs.errors import MassgenLogError
from massgen_logs.handles import Folder, open_folder
from massgen_logs.report.fingerprints import DATA
from massgen_logs.text.mask import Masked
from massgen_logs.tree import REPORT

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_WAIT = 10.0
"""Seconds to wait for another writer, which needs a fraction of one."""
_ABANDONED = 3600.0
"""Seconds after which a temporary file is nobody's, where writers can't exclude each other."""


def write(turn: Path, report: Masked, data: Masked, *, overwrite: bool) -> Path | None:
    """Save a report and its data in a turn's folder; returns where an earlier report was kept, or None.

    Raises:
        MassgenLogError: if a report exists and overwrite is False, something that is no file has its place, another writer
            doesn't end, or the folder can't be written; the report is then the one that it was.
    """
    try:
        with open_folder(turn) as folder:
            alone = _lock(folder)
            _remove_abandoned(folder, 0.0 if alone else _ABANDONED)
            earlier = [name for name in (REPORT, DATA) if _size(folder, name)]
            if REPORT in earlier and not overwrite:
                raise _exists(turn)
            return _save(folder, report, data, earlier)
    except OSError as error:
        raise MassgenLogError(f"{turn / REPORT} can't be written: {error.strerror or error}.") from error


def _save(folder: Folder, report: str, data: str, earlier: list[str]) -> Path | None:
    mark = f".ANALYSIS_REPORT.{os.getpid()}.{time.time_ns()}"
    new = {REPORT: f"{mark}.md.tmp", DATA: f"{mark}.json.tmp"}
    try:
        folder.create(new[REPORT], report.encode())
        folder.create(new[DATA], data.encode())
        kept = None
        if REPORT in earlier:
            kept = _keep(folder, earlier)
            folder.replace(new[REPORT], REPORT)
        else:
            _place(folder, new[REPORT])
        folder.replace(new[DATA], DATA)
    finally:
        for name in new.values():
            with suppress(OSError):  # it has its place, or was never made
                folder.remove(name)
    with suppress(OSError):  # both have their places; some file systems can't sync a folder
        folder.sync()
    return folder.path / kept if kept else None


def _lock(folder: Folder) -> bool:
    """Exclude other writers until the folder is closed; False where the system or the file system can't."""
    if fcntl is None or folder.handle is None:
        return False
    until = time.monotonic() + _WAIT
    while True:
        try:
            fcntl.flock(folder.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise MassgenLogError(
                    f"Another writer has been saving a report in {folder.path} for {_WAIT:.0f} s. Try again later."
                ) from None
            time.sleep(0.01)
        except OSError:
            return False
        else:
            return True


def _remove_abandoned(folder: Folder, age: float) -> None:
    """Temporary files of writers that were killed at least `age` seconds ago."""
    for name in _names(folder, ".ANALYSIS_REPORT.", ".tmp"):
        with suppress(OSError):
            if time.time() - folder.status(name).st_mtime >= age:
                folder.remove(name)


def _names(folder: Folder, start: str, end: str) -> list[str]:
    with folder.scan() as found:
        return [e.name for e in found if e.name.startswith(start) and e.name.endswith(end)]


def _size(folder: Folder, name: str) -> int:
    """Bytes of a file, 0 if there is none (MassGen's self-analysis leaves an empty report, which is none either).

    Raises:
        MassgenLogError: for a link, a folder or a pipe in its place, which is neither read nor replaced.
    """
    try:
        info = folder.status(name)
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(info.st_mode):
        what = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder"}.get(stat.S_IFMT(info.st_mode), "no file")
        raise MassgenLogError(f"{folder.path / name} is {what}: nothing is written there. Move it away first.")
    return info.st_size


def _exists(turn: Path) -> MassgenLogError:
    return MassgenLogError(
        f"{turn / REPORT} exists. Read it first; write_report(overwrite=true) keeps it beside the new one."
    )


def _place(folder: Folder, name: str) -> None:
    """Give the finished report its name if nothing has it: unlike a renaming, a link never overwrites."""
    try:
        folder.link(name, REPORT)
    except FileExistsError:
        if _size(folder, REPORT):
            raise _exists(folder.path) from None
        folder.replace(name, REPORT)


def _keep(folder: Folder, earlier: list[str]) -> str:
    """Keep the earlier files beside the new ones, under the time at which the report was last changed."""
    stamp = datetime.fromtimestamp(folder.status(REPORT).st_mtime, UTC).strftime("%Y%m%d_%H%M%S")
    rest = [name for name in earlier if name == REPORT or not _has_kept_name(folder, name)]
    for number in range(1000):
        mark = f"{stamp}_{number}" if number else stamp
        kept = {name: name.replace(".", f".{mark}.") for name in rest}
        if all(_is_free_or_same(folder, name, kept[name]) for name in rest):
            for name in rest:
                with suppress(FileExistsError):  # the same one
                    folder.link(name, kept[name])
            return kept[REPORT]
    raise MassgenLogError(f"{folder.path} already holds 1,000 reports of that second.")


def _has_kept_name(folder: Folder, name: str) -> bool:
    """Whether a writer that was killed has kept this very file already, beside another report."""
    start, end = name.split(".")
    own = folder.status(name)
    others = [other for other in _names(folder, f"{start}.", f".{end}") if other != name]
    return any(os.path.samestat(folder.status(other), own) for other in others)


def _is_free_or_same(folder: Folder, name: str, kept: str) -> bool:
    own = folder.status(name)
    try:
        info = folder.status(kept)
    except FileNotFoundError:
        return True
    if not stat.S_ISREG(info.st_mode) or info.st_size != own.st_size:
        return False
    return os.path.samestat(info, own) or folder.read(kept, own.st_size) == folder.read(name, own.st_size)
