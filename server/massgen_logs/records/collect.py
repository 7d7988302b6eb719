"""Which attempts a question is about."""

from __future__ import annotations

from pathlib import Path

from massgen_logs.errors import MassgenLogError
from massgen_logs.tree import Place, read_session, resolve, session_names

ALL = "all"


def places(root: Path, log: str) -> list[Place]:
    """Every attempt of the logs that `log` names, oldest log first: "all", or one or more names, prefixes and paths.

    Raises:
        MassgenLogError: for a name that fits no log.
    """
    if log.strip() == ALL:
        sessions = [read_session(root / name) for name in reversed(session_names(root))]
    else:
        named = [part.strip() for part in log.split(",") if part.strip()] or ["latest"]
        sessions = list({s.name: s for s in (resolve(root, name).session for name in named)}.values())
    found = [
        Place(session, turn, attempt) for session in sessions for turn in session.turns for attempt in turn.attempts
    ]
    if not found:
        raise MassgenLogError(f"{root} holds no MassGen run. Next: list_logs, or another logs_dir.")
    return found
