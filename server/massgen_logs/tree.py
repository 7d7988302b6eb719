"""Which sessions, turns, attempts and files there are. Names only: no file is opened here.

Layouts: `log_X/` is itself the run (0.1.0), `log_X/turn_N/` is the run (0.1.12), `log_X/turn_N/attempt_M/` (0.1.24 on). Between
them, and with orchestration restarts up to 0.1.38, attempts have no massgen.log and metadata of their own: `log_X/attempt_M/`
(0.1.3 to 0.1.8) and `turn_N/attempt_M/` (to 0.1.23) find them one folder higher, later attempts in attempt_1.
`--continue` splits one run over two turn folders: one half holds only events.jsonl, massgen.log and a metadata file,
the other everything else; together they are one attempt of the later turn. Complete log trees nested in workspace
copies are not looked at. Symbolic links below the log root are never followed (see handles).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from massgen_logs.attempt import LOG_HALF, Attempt
from massgen_logs.errors import MassgenLogError, nearest, quoted
from massgen_logs.handles import SESSION, entries, file_status, is_file, is_open, names_in, status

REPORT = "ANALYSIS_REPORT.md"
RUN_FILES = frozenset({
    "massgen.log", "massgen_debug.log", "streaming_debug.log", "events.jsonl", "status.json", "execution_metadata.yaml",
    "coordination_events.json", "coordination_table.txt", "snapshot_mappings.json", "metrics_summary.json",
    "metrics_events.json",
})  # fmt: skip


class Turn(Struct, frozen=True):
    """One coordination session of a log; its report lies in `path`."""

    number: int
    path: Path
    attempts: tuple[Attempt, ...]

    @property
    def report(self) -> Path:
        """Where ANALYSIS_REPORT.md of this turn is, or would be."""
        return self.path / REPORT

    @property
    def analyzed(self) -> bool:
        """True if the report exists and is not empty (MassGen's self-analysis makes an empty one beforehand)."""
        info = file_status(self.report)
        return info is not None and info.st_size > 0


class Session(Struct, frozen=True):
    """One `log_*` folder with its turns, in order."""

    name: str
    path: Path
    turns: tuple[Turn, ...]


class Place(Struct, frozen=True):
    """One attempt, with the turn and session around it."""

    session: Session
    turn: Turn
    attempt: Attempt


def find_root(logs_dir: str | None = None, log: str | None = None, cwd: Path | None = None) -> Path:
    """The folder that holds the `log_*` folders, without links: nothing outside it is read afterwards.

    In order: `logs_dir`, the folder around an existing path given as `log`, MASSGEN_LOG_BASE_DIR, `.massgen/massgen_logs`
    from `cwd` upward, then in the home directory.

    Raises:
        MassgenLogError: if none of them exists; it names every place that was tried.
    """
    cwd = cwd or _cwd()
    if logs_dir:
        return _as_root(cwd / _expanded("logs_dir", logs_dir), f"logs_dir={quoted(logs_dir)}")
    if log and (root := root_around(log, cwd)):
        return root
    if base := os.environ.get("MASSGEN_LOG_BASE_DIR"):
        return _as_root(cwd / _expanded("MASSGEN_LOG_BASE_DIR", base), f"MASSGEN_LOG_BASE_DIR={quoted(base)}")
    home = Path(os.path.expanduser("~"))
    for folder in [cwd, *cwd.parents, home]:
        candidate = folder / ".massgen" / "massgen_logs"
        if os.path.isdir(candidate):
            return Path(os.path.realpath(candidate))
    raise MassgenLogError(
        f"No .massgen/massgen_logs in {cwd}, in any folder above it, or in {home}. "
        "Give the folder that holds the log_* folders: logs_dir=... (--logs-dir), or set MASSGEN_LOG_BASE_DIR.",
    )


def _cwd() -> Path:
    """The working directory; where it was deleted, a path that says so and is none: absolute paths beside it still hold."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/(the working directory was deleted)")


def root_around(log: str, cwd: Path | None = None) -> Path | None:
    """The log root that a path names by lying in it; None if `log` is no path, or its session doesn't exist."""
    sessions = _sessions_around((cwd or _cwd()) / _expanded("log", log)) if _is_path(log) else []
    return Path(os.path.realpath(sessions[0].parent)) if sessions and os.path.isdir(sessions[0]) else None


def session_names(root: Path) -> list[str]:
    """Names of the `log_*` folders in `root`, newest first (the name is the start time)."""
    return [name for name, is_dir in reversed(entries(root)) if is_dir and SESSION.fullmatch(name)]


def read_session(path: Path) -> Session:
    """The turns and attempts of one `log_*` folder; a folder that is no log has no turns."""
    found = entries(path)
    turns = [
        Turn(number, path / name, _attempts(path / name, entries(path / name)))
        for number, name in _numbered(found, "turn_")
    ]  # fmt: skip
    turns = [turn for turn in turns if turn.attempts]
    if not turns and (alone := _attempts(path, found)):
        turns = [Turn(1, path, alone)]
    return Session(path.name, path, tuple(_join_split(turns)))


def analyzed_names(root: Path, every: Iterable[str]) -> set[str]:
    """Those of the `log_*` folders of which a turn has a report. Most have none, or one turn with one attempt, which a few calls show;
    only the others are read."""
    return {
        name
        for name in every
        if (seen := _seen_analyzed(f"{root}{os.sep}{name}")) or (seen is None and _is_analyzed(root / name))
    }


def _seen_analyzed(path: str) -> bool | None:
    """Whether a log has a report, as its names and what they are tell; None where that takes a closer look."""
    found = names_in(path)
    turns = [name for name in found if name.startswith("turn_")]
    reports = [status(os.sep.join((path, name, REPORT))) for name in turns]
    if REPORT in found or len(turns) > 1:
        return None if REPORT in found or any(reports) else False
    if not turns or reports[0] is None:
        return False
    own = os.sep.join((path, turns[0]))
    plain = [status(own), status(os.sep.join((own, "attempt_1")))]
    if _number_of(turns[0], "turn_") is None or not all(
        info is not None and stat.S_ISDIR(info.st_mode) for info in plain
    ):
        return None
    return stat.S_ISREG(reports[0].st_mode) and reports[0].st_size > 0


def _is_analyzed(path: Path) -> bool:
    return any(turn.analyzed for turn in read_session(path).turns)


def resolve(root: Path, log: str | None = None, turn: int | None = None, attempt: int | None = None) -> Place:
    """Find one attempt.

    Args:
        root: as found by find_root.
        log: "latest" (default), a session's name, a unique prefix of it, or any path inside a session.
        turn: turn number; default: the one named by a path in `log`, else the last.
        attempt: attempt number; default as for `turn`.

    Raises:
        MassgenLogError: for an unknown or ambiguous log, turn or attempt.
    """
    session, path_turn, path_attempt = _find_session(root, log or "latest")
    if not session.turns:
        raise MassgenLogError(
            f"{session.name} holds no MassGen run: none of its folders has a massgen.log, status.json or events.jsonl. "
            "Next: list_logs shows the logs that can be read.",
        )
    wanted_turn = path_turn if turn is None else turn
    found_turn = session.turns[-1] if wanted_turn is None else _pick_turn(session, wanted_turn)
    wanted = path_attempt if attempt is None and turn in {None, path_turn} else attempt
    if wanted is None:
        return Place(session, found_turn, found_turn.attempts[-1])
    for candidate in found_turn.attempts:
        if candidate.number == wanted:
            return Place(session, found_turn, candidate)
    have = ", ".join(str(a.number) for a in found_turn.attempts)
    raise MassgenLogError(
        f"{session.name} turn {found_turn.number} has no attempt {wanted}; it has: {have}. Leave attempt out for the last.",
    )


def _pick_turn(session: Session, wanted: int) -> Turn:
    for candidate in session.turns:
        halves = {a.log_half.parent.name for a in candidate.attempts if a.log_half}
        if candidate.number == wanted or f"turn_{wanted}" in halves:
            return candidate
    have = ", ".join(str(t.number) for t in session.turns)
    raise MassgenLogError(f"{session.name} has no turn {wanted}; it has: {have}. Leave turn out for the last.")


def _find_session(root: Path, log: str) -> tuple[Session, int | None, int | None]:
    names = session_names(root)
    if log == "latest":
        for name in names:
            session = read_session(root / name)
            if session.turns:
                return session, None, None
        raise MassgenLogError(
            f"{root} holds no MassGen log ({len(names)} log_* folders, none with a run). Give another logs_dir.",
        )
    if log in names:
        return read_session(root / log), None, None
    if _is_path(log):
        return _session_of_path(root, log)
    if SESSION.fullmatch(log) and os.path.lexists(root / log):
        raise _refused(log, f"{root / log} is no real folder", root)
    found = [name for name in names if name.startswith((log, f"log_{log}"))] if log else []
    if len(found) == 1:
        return read_session(root / found[0]), None, None
    if found:
        raise MassgenLogError(
            f"log={quoted(log)} fits {len(found)} logs: {nearest(log, found)}. Give more of the name."
        )
    raise MassgenLogError(
        f"No log {quoted(log)} in {root}; there are: {nearest(log, names)}. Next: list_logs, or log='latest'.",
    )


def _session_of_path(root: Path, log: str) -> tuple[Session, int | None, int | None]:
    """The session that a path names by its words: no link in it is followed, and what it names need not exist."""
    given = _expanded("log", log)
    here = _cwd() / given
    path = Path(os.path.abspath(here if os.path.lexists(here) else root / given))
    sessions = _sessions_around(path)
    if not sessions:
        raise _refused(log, "it is not inside a log_* folder", root)
    # A log tree nested in a workspace copy is no session: only one right below the root is.
    session = next((p for p in sessions if os.path.realpath(p.parent) == str(root)), None)
    if session is None:
        raise _refused(log, "it is outside the log root; logs_dir names another one", root)
    if session.name not in session_names(root):
        raise _refused(log, f"{root / session.name} is no real folder", root)
    parts = path.relative_to(session).parts
    turn = _number_of(parts[0], "turn_") if parts else None
    inner = parts[1:2] if turn is not None else parts[:1]
    attempt = _number_of(inner[0], "attempt_") if inner else None
    return read_session(root / session.name), turn, attempt


def _refused(log: str, why: str, root: Path) -> MassgenLogError:
    return MassgenLogError(f"log={quoted(log)} is not read: {why}. The log root is {root}; list_logs shows its logs.")


def _is_path(log: str) -> bool:
    return "/" in log or os.sep in log or log.startswith((".", "~"))


def _expanded(name: str, given: str) -> Path:
    """A path that the user named, `~` expanded.

    Raises:
        MassgenLogError: if it can't be one.
    """
    try:
        os.fsencode(given)
        path = Path(given).expanduser()
    except (RuntimeError, UnicodeEncodeError) as error:
        raise MassgenLogError(f"{name}={quoted(given)} is no path: {error}.") from error
    if "\0" in given:
        raise MassgenLogError(f"{name}={quoted(given)} is no path: a NUL is in it.")
    return path


def _sessions_around(path: Path) -> list[Path]:
    """The `log_*` folders that a path names itself or lies in by its words, outermost first."""
    path = Path(os.path.abspath(path))
    return [p for p in [*reversed(path.parents), path] if SESSION.fullmatch(p.name)]


def _attempts(turn: Path, inside: list[tuple[str, bool]]) -> tuple[Attempt, ...]:
    found = [
        Attempt(number, turn / name)
        for number, name in _numbered(inside, "attempt_")
        if names_in(f"{turn}{os.sep}{name}") or not is_open(turn / name)  # an empty one holds no run, or none yet
    ]
    if any(one.number == 1 for one in found) and ("massgen.log", False) in inside:
        return _at_home(found, turn)
    if len(found) > 1 and is_file(found[0].path / "massgen.log"):
        return _at_home(found, found[0].path)
    if _is_run(inside) and all(a.number != 1 for a in found):
        found.insert(0, Attempt(1, turn))
    return tuple(found)


def _at_home(attempts: list[Attempt], home: Path) -> tuple[Attempt, ...]:
    """Attempts, those without a log and events of their own with the log of `home`."""
    lacking = [
        one.path for one in attempts if not any(is_file(one.path / name) for name in ("massgen.log", "events.jsonl"))
    ]
    shared = bool(lacking) and len(attempts) > 1
    return tuple(
        Attempt(one.number, one.path, log_home=home, shares_log=shared)
        if one.path in lacking
        else Attempt(one.number, one.path, shares_log=shared and one.path == home)
        for one in attempts
    )


def _join_split(turns: list[Turn]) -> list[Turn]:
    """Join the halves of a `--continue` run: a turn with only log files, and a later turn that lacks just these."""
    if len(turns) < 2:
        return turns
    halves = {t.number: t for t in turns if len(t.attempts) == 1 and _only_logs(t.attempts[0].path)}
    joined: list[Turn] = []
    used: set[int] = set()
    for turn in turns:
        half = next((h for n, h in halves.items() if n < turn.number and n not in used), None)
        first = turn.attempts[0]
        rest_of_run = any(is_file(first.path / name) for name in _REST)
        if half and rest_of_run and not any(is_file(first.path / name) for name in LOG_HALF):
            used.add(half.number)
            rest = turn.attempts[1:]
            turn = Turn(turn.number, turn.path, (Attempt(first.number, first.path, half.attempts[0].path), *rest))
        joined.append(turn)
    return [turn for turn in joined if turn.number not in used]


_REST = ("status.json", "coordination_events.json", "snapshot_mappings.json")
"""Any of these is in the other half of a `--continue` run."""


def _only_logs(path: Path) -> bool:
    found = [entry for entry in entries(path) if not entry[0].startswith(".")]  # .DS_Store
    names = {name for name, is_dir in found if not is_dir}
    logs = {name for name in names if name in LOG_HALF or name.endswith(".log.zip")}
    return bool(names & LOG_HALF) and names <= logs | {"execution_metadata.yaml"} and not any(d for _, d in found)


def _numbered(found: list[tuple[str, bool]], prefix: str) -> list[tuple[int, str]]:
    numbers = [(number, name) for name, is_dir in found if is_dir and (number := _number_of(name, prefix)) is not None]
    return sorted(numbers)


def _number_of(name: str, prefix: str) -> int | None:
    digits = name.removeprefix(prefix)
    return (
        int(digits) if name.startswith(prefix) and digits.isascii() and digits.isdigit() and len(digits) < 9 else None
    )


def _is_run(found: list[tuple[str, bool]]) -> bool:
    return any(name in RUN_FILES and not is_dir for name, is_dir in found)


def _as_root(path: Path, given: str) -> Path:
    inner = path / ".massgen" / "massgen_logs"
    if os.path.isdir(inner):
        return Path(os.path.realpath(inner))
    if not os.path.isdir(path):
        raise MassgenLogError(f"{given}: no such folder. Give the folder that holds the log_* folders.")
    path = Path(os.path.realpath(path))
    if SESSION.fullmatch(path.name) and read_session(path).turns:
        return path.parent
    return Path(os.path.realpath(path / "massgen_logs")) if os.path.isdir(path / "massgen_logs") else path
