"""Writing a report: whole or not at all, never over another one unasked."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from massgen_logs.errors import MassgenLogError


def write(path: Path, content: str, *, overwrite: bool) -> Path | None:
    """Write `content` to `path` atomically; returns where an earlier report was kept, or None.

    Raises:
        MassgenLogError: if a report exists and overwrite is False, or the folder can't be written.
    """
    try:
        kept = _keep(path) if overwrite else None
        name = _temporary(path, content)
        try:
            if overwrite:
                os.replace(name, path)
            else:
                _place(name, path)
        finally:
            if os.path.exists(name):
                os.unlink(name)
    except OSError as error:
        raise MassgenLogError(f"{path} can't be written: {error.strerror or error}.") from error
    return kept


def write_data(path: Path, content: str, kept_report: Path | None) -> None:
    """Write what stands beside a report, atomically; that of an earlier report is kept under the earlier report's name.

    Raises:
        MassgenLogError: if the folder can't be written.
    """
    try:
        if kept_report is not None and path.is_file() and not path.is_symlink():
            with suppress(FileExistsError):  # the same report, kept before
                os.link(path, kept_report.with_suffix(path.suffix))
        name = _temporary(path, content)
        try:
            os.replace(name, path)
        finally:
            if os.path.exists(name):
                os.unlink(name)
    except OSError as error:
        raise MassgenLogError(
            f"The report is saved, but {path} can't be written: {error.strerror or error}."
        ) from error


def _temporary(path: Path, content: str) -> str:
    handle, name = tempfile.mkstemp(prefix=".ANALYSIS_REPORT.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
    except OSError:
        os.unlink(name)
        raise
    return name


def _place(name: str, path: Path) -> None:
    """Give the finished file its name only if nothing has it: a link never overwrites."""
    try:
        os.link(name, path)
    except FileExistsError:
        if path.is_symlink() or not path.is_file() or path.stat().st_size:
            raise MassgenLogError(
                f"{path} exists. Read it first; write_report(overwrite=true) keeps it beside the new one.",
            ) from None
        os.replace(name, path)  # MassGen's self-analysis leaves an empty one


def _keep(path: Path) -> Path | None:
    """Keep an earlier report beside the new one, under the time at which it was last changed."""
    if path.is_symlink() or not path.exists() or not path.stat().st_size:
        return None
    stamp = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y%m%d_%H%M%S")
    for number in range(1000):
        kept = path.with_name(f"{path.stem}.{stamp}{f'_{number}' if number else ''}{path.suffix}")
        try:
            os.link(path, kept)
        except FileExistsError:
            if kept.is_file() and kept.read_bytes() == path.read_bytes():
                return kept
            continue
        return kept
    raise MassgenLogError(f"{path.parent} already holds 1,000 reports of that second.")
