"""Which sessions, turns and attempts there are, and which one a caller means."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen_logs.errors import MassgenLogError
from massgen_logs.tree import analyzed_names, find_root, read_session, resolve, session_names

A, B = "log_20261122_100000_000001", "log_20261122_100000_000002"


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two logs: one of two turns, the second with two attempts, and an old one that is itself the run."""
    base = tmp_path / ".massgen" / "massgen_logs"
    touch(base / A / "turn_1" / "attempt_1" / "status.json")
    for number in (1, 2, 10):
        touch(base / B / "turn_2" / f"attempt_{number}" / "massgen.log")
    touch(base / B / "turn_1" / "attempt_1" / "massgen.log")
    touch(base / B / "turn_1" / "attempt_1" / "status.json")
    touch(base / "log_20250101_000000" / "massgen.log")
    touch(base / "notes.txt")
    return base


def test_names_newest_first(root: Path) -> None:
    """Only log_* folders, by their time."""
    assert session_names(root) == [B, A, "log_20250101_000000"]


def test_attempts_are_numbered_not_sorted_as_text(root: Path) -> None:
    """attempt_10 comes after attempt_2."""
    assert [a.number for a in read_session(root / B).turns[1].attempts] == [1, 2, 10]


def test_the_oldest_layout(root: Path) -> None:
    """The log folder itself is turn 1, attempt 1, and its report lies in it."""
    session = read_session(root / "log_20250101_000000")
    assert [(t.number, t.path) for t in session.turns] == [(1, session.path)]
    assert session.turns[0].report == session.path / "ANALYSIS_REPORT.md"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (None, (B, 2, 10)),
        ("latest", (B, 2, 10)),
        (A, (A, 1, 1)),
        ("log_2025", ("log_20250101_000000", 1, 1)),
        ("20250101", ("log_20250101_000000", 1, 1)),
        (f"{B}/turn_1", (B, 1, 1)),
        (f"{B}/turn_2/attempt_2", (B, 2, 2)),
        (f"{B}/turn_2/attempt_2/massgen.log", (B, 2, 2)),
    ],
)
def test_which_run_is_meant(log: str | None, expected: tuple[str, int, int], root: Path) -> None:
    """latest, a name, a unique prefix, or a path inside, relative to the root or absolute."""
    names = [log] if log is None or "/" not in log else [log, str(root / log)]
    for name in names:
        place = resolve(root, name)
        assert (place.session.name, place.turn.number, place.attempt.number) == expected


def test_arguments_win_over_the_path(root: Path) -> None:
    """turn=1 with a path into turn 2 means the last attempt of turn 1."""
    place = resolve(root, str(root / B / "turn_2" / "attempt_2"), turn=1)
    assert (place.turn.number, place.attempt.number) == (1, 1)


def test_an_ambiguous_prefix_names_the_candidates(root: Path) -> None:
    """Both are named."""
    with pytest.raises(MassgenLogError, match=f"fits 2 logs: {B}, {A}"):
        resolve(root, "log_20261122")


def test_a_nested_log_tree_is_no_session(root: Path) -> None:
    """A path inside a workspace copy that holds a complete log tree names the outer session."""
    nested = (
        root
        / A
        / "turn_1"
        / "attempt_1"
        / "agent_a"
        / "20261122_100000_000000"
        / "workspace"
        / B
        / "turn_1"
        / "attempt_1"
    )
    touch(nested / "massgen.log")
    assert resolve(root, str(nested)).session.path == root / A
    assert session_names(root) == [B, A, "log_20250101_000000"]


@pytest.mark.parametrize("other", ["status.json", "coordination_events.json"])
def test_split_turn(root: Path, other: str) -> None:
    """--continue: turn_1 has only the logs, turn_2 everything else; together they are turn 2. A file that a file manager leaves, or the
    loss of status.json, changes nothing."""
    log = root / "log_20261123_000000_000000"
    for name in ("events.jsonl", "massgen.log", "execution_metadata.yaml", ".DS_Store"):
        touch(log / "turn_1" / "attempt_1" / name)
    touch(log / "turn_2" / "attempt_1" / other)
    session = read_session(log)
    assert [t.number for t in session.turns] == [2]
    attempt = session.turns[0].attempts[0]
    assert attempt.file("events.jsonl") == log / "turn_1" / "attempt_1" / "events.jsonl"
    assert attempt.file(other) == log / "turn_2" / "attempt_1" / other
    assert resolve(root, log.name, turn=1).turn.number == 2


def test_an_empty_attempt_is_no_run(root: Path) -> None:
    """MassGen makes the folder before it writes to it: latest is the newest run that has begun."""
    (root / A / "turn_1" / "attempt_2").mkdir()
    (root / "log_20261124_000000_000000" / "turn_1" / "attempt_1").mkdir(parents=True)
    assert [a.number for a in read_session(root / A).turns[0].attempts] == [1]
    assert resolve(root).session.path == root / B


def test_root_is_found_in_order(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, environment, working directory upward, home."""
    home = tmp_path / "home"
    touch(home / ".massgen" / "massgen_logs" / A / "massgen.log")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("MASSGEN_LOG_BASE_DIR", raising=False)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root(cwd=deep) == root
    assert find_root(cwd=Path("/")) == home / ".massgen" / "massgen_logs"
    monkeypatch.setenv("MASSGEN_LOG_BASE_DIR", str(home))
    assert find_root(cwd=deep) == home / ".massgen" / "massgen_logs"
    assert find_root(str(tmp_path), cwd=deep) == root
    with pytest.raises(MassgenLogError, match="no such folder"):
        find_root(str(tmp_path / "nowhere"))


def test_a_deleted_working_directory(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute paths still hold; what depends on it is refused with a message that says why."""
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("MASSGEN_LOG_BASE_DIR", raising=False)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert find_root(str(root)) == root
    assert resolve(root, A).session.name == A
    assert resolve(root, str(root / A)).session.name == A
    with pytest.raises(MassgenLogError, match="working directory was deleted"):
        find_root()
    with pytest.raises(MassgenLogError, match="no such folder"):
        find_root("logs")


def test_links_are_not_followed(root: Path, tmp_path: Path) -> None:
    """A linked session, turn or file is not there."""
    outside = tmp_path / "outside"
    touch(outside / "turn_1" / "attempt_1" / "massgen.log")
    (root / "log_20270101_000000_000000").symlink_to(outside)
    assert "log_20270101_000000_000000" not in session_names(root)
    attempt = resolve(root, A).attempt
    (attempt.path / "events.jsonl").symlink_to(outside / "turn_1" / "attempt_1" / "massgen.log")
    (attempt.path / "final").symlink_to(outside)
    assert attempt.file("events.jsonl") is None
    assert attempt.file("final", "turn_1", "attempt_1", "massgen.log") is None


def test_reports_are_seen_as_they_are_read(tmp_path: Path) -> None:
    """By few calls or by many: an empty report, a link in the place of a report, a turn or an attempt, the oldest layouts, several
    turns, a folder that is no turn or no log."""
    elsewhere = tmp_path / "elsewhere"
    touch(elsewhere / "attempt_1" / "massgen.log")
    (elsewhere / "ANALYSIS_REPORT.md").write_text("# Report")
    made: dict[str, bool] = {}

    def log(analyzed: bool) -> Path:
        name = f"log_20260101_00{len(made):02}00_000000"
        made[name] = analyzed
        (tmp_path / "root" / name).mkdir(parents=True)
        return tmp_path / "root" / name

    def turn(folder: Path, name: str = "turn_1", text: str | None = "# Report", attempt: str = "attempt_1") -> Path:
        touch(folder / name / attempt / "massgen.log")
        if text is not None:
            (folder / name / "ANALYSIS_REPORT.md").write_text(text)
        return folder / name

    turn(log(True))
    turn(log(False), text=None)
    turn(log(False), text="")
    turn(log(True), name="turn_12", attempt="attempt_2")
    turn(log(False), name="turn_x")
    (turn(log(False), text=None) / "ANALYSIS_REPORT.md").symlink_to(elsewhere / "ANALYSIS_REPORT.md")
    (log(False) / "turn_1").symlink_to(elsewhere)
    linked = log(False) / "turn_1"
    linked.mkdir()
    (linked / "attempt_1").symlink_to(elsewhere / "attempt_1")
    (linked / "ANALYSIS_REPORT.md").write_text("# Report")
    oldest = log(True)
    touch(oldest / "massgen.log")
    (oldest / "ANALYSIS_REPORT.md").write_text("# Report")
    own = log(True) / "turn_1"  # 0.1.12: the turn is the run
    touch(own / "massgen.log")
    (own / "ANALYSIS_REPORT.md").write_text("# Report")
    several = log(True)
    turn(several, text=None)
    turn(several, name="turn_2")
    (log(False) / "turn_1" / "ANALYSIS_REPORT.md").mkdir(parents=True)
    log(False)
    root = tmp_path / "root"
    found = analyzed_names(root, session_names(root))
    assert found == {name for name, analyzed in made.items() if analyzed}
    assert found == {name for name in made if any(t.analyzed for t in read_session(root / name).turns)}
