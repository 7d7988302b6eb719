"""What was sent where: the span ids that an OTLP endpoint has acknowledged, so that none is sent to it twice.

One text file a trace, in a folder an endpoint, in the user's cache folder; each id is a line, appended after the endpoint's
answer. Safe to delete: the next export then sends everything again. A process that is killed between the answer and the
line sends that one batch again; its ids are the same.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

_ID = re.compile(r"^[0-9a-f]{16}$", re.MULTILINE)


def cache() -> Path:
    """The user's cache folder for this program: XDG_CACHE_HOME, else the platform's own."""
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        base = Path(given)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path.home() / ".cache"
    return base / "massgen-logs"


def place(endpoint: str) -> Path:
    """The folder of an endpoint, made if it isn't there.

    Raises:
        OSError: if it can't be made or written to.
    """
    made = cache() / "otlp" / hashlib.sha256(endpoint.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    made.mkdir(parents=True, exist_ok=True)
    if not os.access(made, os.W_OK | os.X_OK):
        raise PermissionError(f"{made} can't be written to")
    return made


def sent(folder: Path, trace: str) -> set[str]:
    """Ids of the spans of a trace that were acknowledged; a torn line counts for nothing."""
    try:
        return set(_ID.findall((folder / trace).read_text("ascii", "replace")))
    except FileNotFoundError:
        return set()


def add(folder: Path, trace: str, ids: Iterable[str]) -> None:
    """Note acknowledged spans of a trace; on the disk when this returns."""
    with open(folder / trace, "a", encoding="ascii") as file:
        file.write("".join(f"\n{one}" for one in ids))
        file.flush()
        os.fsync(file.fileno())


def forget(folder: Path, trace: str) -> None:
    """Let a trace be sent again."""
    (folder / trace).unlink(missing_ok=True)
