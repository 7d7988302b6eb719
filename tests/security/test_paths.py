"""Nothing outside the log root is read or written, whatever an argument names, a tree holds, or is swapped meanwhile."""

from __future__ import annotations

import ast
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

import massgen_logs
from conftest import CORPUS
from massgen_logs import handles
from massgen_logs.attempt import Attempt
from massgen_logs.errors import MassgenLogError
from massgen_logs.mcp_server import make_server
from massgen_logs.records import collect
from massgen_logs.report import write as writing
from massgen_logs.run import live
from massgen_logs.run import load as loading
from massgen_logs.tools.registry import NAMES
from massgen_logs.tree import entries, resolve

CLEAN = CORPUS / "s1_clean_0.1.97" / ".massgen" / "massgen_logs"
NAME = "log_20261122_104800_969289"
LINKED = "log_20261231_000000_000000"
CANARY = "CANARY-5d1f"
MORE: dict[str, dict[str, Any]] = {
    "read_trace": {"agent": "agent_a"},
    "compare_runs": {"logs": [f"{NAME}:1:1", "log_20261122_104800_969289:1:1"]},
    "write_report": {"content": "x"},
    "query_records": {"sql": "SELECT span_name, attributes FROM records"},
    "reconcile": {"spans": "[]"},
}
READING = [name for name in NAMES if name not in {"compare_runs", "write_report"}]


class Tree:
    """A log root with one run, and beside it a folder `outside` that holds a run whose every text is the canary."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project" / ".massgen" / "massgen_logs"
        self.outside = folder / "outside" / ".massgen" / "massgen_logs"
        shutil.copytree(CLEAN, self.root, symlinks=True)
        shutil.copytree(CLEAN, self.outside, symlinks=True)
        for file in self.outside.rglob("*"):
            if file.is_file() and not file.is_symlink():
                content = file.read_bytes()
                for word in (b"5050", b"agent_a", b"sum of the integers", b"0.1.97"):
                    content = content.replace(word, CANARY.encode())
                file.write_bytes(content)
        for name in ("answer.txt", "ANALYSIS_REPORT.md", "passwd"):
            (folder / "outside" / name).write_text(CANARY)
        self.session, self.other = self.root / NAME, self.outside / NAME
        self.turn = self.session / "turn_1"
        self.attempt, self.far = self.turn / "attempt_1", self.other / "turn_1" / "attempt_1"
        self.before = self.state()

    def state(self) -> dict[str, tuple[int, int]]:
        """Everything outside: nothing there may be written, made or removed."""
        folder = self.outside.parent.parent
        return {str(p): (p.lstat().st_size, p.lstat().st_mtime_ns) for p in [folder, *folder.rglob("*")]}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    loading._cache.clear()
    return Tree(tmp_path)


@pytest.fixture(scope="module")
def still_tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """For attempts by argument alone: nothing may change in it. One session in it is a link to the outside one."""
    made = Tree(tmp_path_factory.mktemp("still"))
    (made.root / LINKED).symlink_to(made.other)
    (made.session / "door").symlink_to(made.outside)
    return made


def by_command(run_cli: Callable[..., tuple[int, str, str]], tool: str, arguments: dict[str, Any]) -> tuple[bool, str]:
    """(answered, everything that was said)."""
    argv = [tool.replace("_", "-")]
    for name, value in arguments.items():
        if isinstance(value, list):
            argv += ["--" + name, *value]
        else:
            argv.append(f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}"))
    try:
        code, out, err = run_cli(*argv)
    except SystemExit as stopped:  # argparse: turn is no number
        code, out, err = int(stopped.code or 0), "", "not a number"
    return code == 0, out + err


async def by_mcp(tool: str, arguments: dict[str, Any]) -> tuple[bool, str]:
    async with Client(make_server()) as client:
        result = await client.call_tool(tool, arguments)
    return not result.is_error, "".join(part.text for part in result.content)


LONG = "log_" + "9" * 5000
LOGS: list[tuple[str, bool]] = [  # (what `log` is, whether it names the run inside)
    ("..", False),
    ("../..", False),
    ("../../..", False),
    ("../../../../outside", False),
    ("../../../outside/.massgen/massgen_logs/" + NAME, False),
    ("{root}/../../../outside/.massgen/massgen_logs/" + NAME, False),
    (NAME + "/../../../../outside/.massgen/massgen_logs/" + NAME, False),
    ("{outside}/" + NAME, False),
    ("{outside}/" + NAME + "/turn_1/attempt_1/status.json", False),
    ("{outside}", False),
    ("{outside}/../../passwd", False),
    ("/etc/passwd", False),
    ("/", False),
    ("/proc/self/root{outside}/" + NAME, False),
    ("/proc/self/cwd", False),
    ("/dev/stdin", False),
    (LINKED, False),
    (LINKED + "/turn_1", False),
    ("./" + LINKED, False),
    ("{root}/" + LINKED, False),
    ("{root}/" + LINKED + "/turn_1/attempt_1/status.json", False),
    (NAME + "/door/" + NAME, True),
    (NAME + "/door/../../" + LINKED, False),
    (NAME.upper(), False),
    ("./" + NAME.upper(), False),
    ("LATEST", False),
    (NAME + "\0", False),
    (NAME + "\0/../../outside", False),
    ("{outside}/" + NAME + "\0", False),
    (NAME + "\n", False),
    ("\n" + NAME, False),
    (NAME + "\n/../" + LINKED, False),
    (NAME + "/turn_1\n", True),
    ("~", False),
    ("~root/" + NAME, False),
    ("~no_such_user/" + NAME, False),
    ("file://{outside}/" + NAME, False),
    ("file:{outside}/" + NAME, False),
    ("https://example.com/" + NAME, False),
    ("\\\\server\\share\\" + NAME, False),
    ("//server/share/" + NAME, False),
    ("C:\\" + NAME, False),
    ("..\\..\\outside", False),
    ("%2e%2e/%2e%2e/outside", False),
    ("$HOME", False),
    ("$(cat {outside}/../../passwd)", False),
    ("{{outside}}", False),
    ("*", False),
    ("log_*", False),
    (LONG, False),
    ("./" + LONG, False),
    ("/" + "a/" * 5000 + NAME, False),
    ("-", False),
    ("@{outside}/../../passwd", False),
    ("\u2025/\u2025/outside", False),
    (NAME.replace("_", "\uff3f"), False),
    ("\x1b[2J" + NAME, False),
    (NAME + "/", True),
    ("./" + NAME + "/./turn_1//attempt_1", True),
    ("{root}/" + NAME, True),
    ("{root}/../massgen_logs/" + NAME, True),
    (NAME + "/../" + NAME, True),
]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("list_logs", {"logs_dir": "{outside}/../../passwd"}),
    ("list_logs", {"logs_dir": "{root}\0"}),
    ("list_logs", {"logs_dir": "~no_such_user"}),
    ("list_logs", {"logs_dir": "file://{outside}"}),
    ("list_logs", {"logs_dir": "\\\\server\\share"}),
    ("list_logs", {"logs_dir": "a" * 5000}),
    ("list_logs", {"cursor": "../1"}),
    ("list_logs", {"cursor": "9" * 5000}),
    ("run_overview", {"turn": "../../outside"}),
    ("run_overview", {"turn": -1}),
    ("run_overview", {"turn": 10**30}),
    ("run_overview", {"attempt": "../attempt_1"}),
    ("run_overview", {"attempt": 0}),
    ("read_trace", {"agent": "../../../../outside"}),
    ("read_trace", {"agent": "{outside}"}),
    ("read_trace", {"agent": "agent_a/../agent_b"}),
    ("read_trace", {"agent": "agent_a\0"}),
    ("read_trace", {"agent": "a" * 5000}),
    ("read_trace", {"agent": "agent_a", "cursor": "0.{outside}"}),
    ("read_trace", {"agent": "agent_a", "kind": "../kind"}),
    ("answer_progression", {"label": "../final"}),
    ("answer_progression", {"label": "{outside}/../../answer.txt"}),
    ("draft_report", {"language": "../../outside"}),
    ("write_report", {"content": "{outside}/../../ANALYSIS_REPORT.md", "overwrite": True}),
    ("compare_runs", {"logs": [NAME, LINKED]}),
    ("compare_runs", {"logs": [NAME, "../../../outside/.massgen/massgen_logs/" + NAME]}),
    ("compare_runs", {"logs": [NAME, NAME + "/door"]}),
    ("compare_runs", {"logs": [NAME, "{root}/" + LINKED + ":1:1"]}),
    ("compare_runs", {"logs": [NAME, "a" * 5000]}),
]


ESCAPES = ("paths", "{tried} arguments that name something outside the tree, {out} got there")


def filled(value: Any, tree: Tree) -> Any:
    if isinstance(value, list):
        return [filled(item, tree) for item in value]
    if not isinstance(value, str):
        return value
    return value.replace("{root}", str(tree.root)).replace("{outside}", str(tree.outside))


async def attempted(door: str, run_cli, tool: str, arguments: dict[str, Any], tree: Tree) -> tuple[bool, str]:
    given = {"logs_dir": str(tree.root)} | {name: filled(value, tree) for name, value in arguments.items()}
    if door == "command":
        return by_command(run_cli, tool, given)
    return await by_mcp(tool, given)


@pytest.mark.parametrize("door", ["command", "mcp"])
@pytest.mark.parametrize(("log", "inside"), LOGS, ids=lambda v: repr(v)[:40])
async def test_log_names_nothing_outside(log: str, inside: bool, door: str, still_tree: Tree, run_cli, figure) -> None:
    """Refused in a few words, or the run inside."""
    answered, text = await attempted(door, run_cli, "run_overview", {"log": log}, still_tree)
    assert answered is inside
    assert CANARY not in text
    if inside:
        assert "winner: agent_a" in text
    else:
        assert re.search(r"No log |log=.* is (not read|no path)", text), text
        assert len(text) < 1500
        assert "\0" not in text
        assert "Traceback" not in text
    assert still_tree.state() == still_tree.before
    if not inside:
        figure(*ESCAPES, tried=1, out=0)


@pytest.mark.parametrize("door", ["command", "mcp"])
@pytest.mark.parametrize(("tool", "arguments"), OTHERS, ids=lambda v: repr(v)[:60])
async def test_no_argument_names_anything_outside(
    tool: str, arguments: dict[str, Any], door: str, still_tree: Tree, run_cli, figure
) -> None:
    """Of the other arguments each is refused, with a message."""
    answered, text = await attempted(door, run_cli, tool, arguments, still_tree)
    assert not answered
    assert text.strip()
    assert len(text) < 9000  # write_report names every missing section
    assert "Traceback" not in text
    assert CANARY not in text
    assert still_tree.state() == still_tree.before
    figure(*ESCAPES, tried=1, out=0)


def test_a_path_in_log_names_its_root_and_no_other(still_tree: Tree, run_cli, monkeypatch) -> None:
    """Without logs_dir the folder around the path is the log root; a link beside the session is still none."""
    monkeypatch.chdir(still_tree.root.parent)
    assert by_command(run_cli, "run_overview", {"log": f"massgen_logs/{NAME}"})[0]
    answered, text = by_command(run_cli, "run_overview", {"log": f"{still_tree.root}/{LINKED}"})
    assert not answered
    assert "is no real folder" in text


def test_the_root_itself_may_be_a_link(tree: Tree, tmp_path: Path, run_cli) -> None:
    """The user named it."""
    link = tmp_path / "link"
    link.symlink_to(tree.root)
    for arguments in ({"logs_dir": str(link)}, {"log": str(link / NAME)}):
        answered, text = by_command(run_cli, "run_overview", arguments)
        assert answered, text
        assert "winner: agent_a" in text


def link(place: str) -> Callable[[Tree], None]:
    """Puts a link to the canary's counterpart in the place of something below the session (".": of the session)."""

    def plant(tree: Tree) -> None:
        ours, theirs = tree.session / place, tree.other / place
        shutil.rmtree(ours) if ours.is_dir() else ours.unlink(missing_ok=True)
        ours.symlink_to(theirs)

    return plant


def replaced(old: str, new: Callable[[Tree], str], *names: str) -> Callable[[Tree], None]:
    """Writes another text into files of the attempt."""

    def plant(tree: Tree) -> None:
        for name in names:
            file = tree.attempt / name
            file.write_text(file.read_text().replace(old, new(tree)))

    return plant


AGENT_FILES = (
    "coordination_events.json",
    "status.json",
    "snapshot_mappings.json",
    "execution_metadata.yaml",
    "metrics_summary.json",
)
A1 = "turn_1/attempt_1/"
STAMP = A1 + "agent_a/20261122_104813_330911"
PLANTED: dict[str, Callable[[Tree], None]] = {
    "session": link("."),
    "turn": link("turn_1"),
    "attempt": link("turn_1/attempt_1"),
    "agent": link(A1 + "agent_a"),
    "both agents": lambda tree: (link(A1 + "agent_a")(tree), link(A1 + "agent_b")(tree))[0],
    "stamp": link(STAMP),
    "workspace": link(A1 + "agent_a/workspace"),
    "final": link(A1 + "final"),
    "final agent": link(A1 + "final/agent_a"),
    "turn's final": link("turn_1/final"),
    "agent_outputs": link(A1 + "agent_outputs"),
    "subagents": lambda tree: (tree.attempt / "subagents").symlink_to(tree.other),
    **{
        name: link(A1 + name)
        for name in (
            "status.json", "events.jsonl", "massgen.log", "coordination_events.json", "coordination_table.txt",
            "snapshot_mappings.json", "metrics_summary.json", "metrics_events.json", "execution_metadata.yaml",
            "mcp_command_line_stderr.log", "final/agent_a/answer.txt", "agent_outputs/agent_a.txt",
        )
    },
    "answer.txt": link(STAMP + "/answer.txt"),
    "trace": link(STAMP + "/execution_trace.md"),
    "agent named by a path": replaced(
        "agent_a", lambda tree: os.path.relpath(tree.far / CANARY, tree.attempt), *AGENT_FILES
    ),
    "agent named by an absolute path": replaced("agent_a", lambda tree: str(tree.far / CANARY), *AGENT_FILES),
    "report": lambda tree: (tree.turn / "ANALYSIS_REPORT.md").symlink_to(tree.outside.parent.parent / "ANALYSIS_REPORT.md"),
    "report's data": lambda tree: (
        (tree.turn / "ANALYSIS_REPORT.md").write_text("x"),
        (tree.turn / "ANALYSIS_REPORT.json").symlink_to(tree.far / "status.json"),
    )[0] and None,
}  # fmt: skip


def plant_names(tree: Tree) -> None:
    """CANARY is a folder's name outside: for agents that are named by a path to it."""
    shutil.copytree(tree.far / "agent_b", tree.far / CANARY, symlinks=True, dirs_exist_ok=True)
    for file in (tree.far / CANARY).rglob("*.txt"):
        file.write_text("SECRET-OF-THE-FOLDER")
    (tree.far / CANARY / "answer.txt").write_text("SECRET-OF-THE-FOLDER")
    tree.before = tree.state()


@pytest.mark.parametrize("planted", PLANTED)
def test_nothing_outside_is_read_through_the_tree(planted: str, tree: Tree, run_cli) -> None:
    """Every reading tool over a tree with a link or a hostile name in it."""
    plant_names(tree)
    PLANTED[planted](tree)
    for tool in READING:
        _, text = by_command(run_cli, tool, {"logs_dir": str(tree.root)} | MORE.get(tool, {}))
        told = text.replace(str(tree.far / CANARY), "").replace(os.path.relpath(tree.far / CANARY, tree.attempt), "")
        assert CANARY not in told, tool
        assert "SECRET-OF-THE-FOLDER" not in text, tool
        assert "Traceback" not in text, tool
    assert tree.state() == tree.before


@pytest.fixture
def report(tree: Tree, run_cli) -> str:
    """A report of the run that write_report accepts."""
    _, text = by_command(run_cli, "draft_report", {"logs_dir": str(tree.root)})
    return re.sub(r"\[\[JUDGE: .*?\]\]", "None.", text)


IN_THE_WAY: dict[str, Callable[[Path, Tree], object]] = {
    "link": lambda path, tree: path.symlink_to(tree.outside.parent.parent / "ANALYSIS_REPORT.md"),
    "dangling link": lambda path, tree: path.symlink_to(tree.outside.parent.parent / "made.md"),
    "link to itself": lambda path, _: path.symlink_to(path.name),
    "folder": lambda path, _: path.mkdir(),
    "pipe": lambda path, _: os.mkfifo(path),
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["ANALYSIS_REPORT.md", "ANALYSIS_REPORT.json"])
@pytest.mark.parametrize("what", IN_THE_WAY)
def test_what_is_no_file_is_not_written_over(
    what: str, name: str, overwrite: bool, tree: Tree, report: str, run_cli
) -> None:
    """A link, a folder or a pipe in the place of either file: refused, named, left as it is, and no file is made."""
    IN_THE_WAY[what](tree.turn / name, tree)
    there = sorted(os.listdir(tree.turn))
    arguments = {"logs_dir": str(tree.root), "content": report} | ({"overwrite": True} if overwrite else {})
    answered, text = by_command(run_cli, "write_report", arguments)
    assert not answered
    assert f"{name} is " in text
    assert sorted(os.listdir(tree.turn)) == there
    assert tree.state() == tree.before


@pytest.mark.parametrize("level", ["session", "turn"])
def test_a_report_is_not_written_through_a_link_above_it(level: str, tree: Tree, report: str, run_cli) -> None:
    """The session or the turn is a link: there is no such run, and nothing is written."""
    PLANTED[level](tree)
    assert not by_command(run_cli, "write_report", {"logs_dir": str(tree.root), "content": report})[0]
    assert tree.state() == tree.before


def test_a_hard_link_to_a_file_outside_is_never_written_through(tree: Tree, report: str, run_cli) -> None:
    """A report is a new file in the old one's place; the other name keeps its text."""
    victim = tree.outside.parent.parent / "ANALYSIS_REPORT.md"
    os.link(victim, tree.turn / "ANALYSIS_REPORT.md")
    assert by_command(run_cli, "write_report", {"logs_dir": str(tree.root), "content": report, "overwrite": True})[0]
    assert victim.read_text() == CANARY


def swap(tree: Tree, level: str) -> None:
    """The folder of this level goes away, and a link to its counterpart outside takes its place."""
    place = {"session": ".", "turn": "turn_1", "attempt": "turn_1/attempt_1", "agent": "turn_1/attempt_1/agent_a"}[
        level
    ]
    os.rename(tree.session / place, tree.root / "moved")
    (tree.session / place).symlink_to(tree.other / place)


@pytest.mark.parametrize("level", ["session", "turn", "attempt", "agent"])
@pytest.mark.parametrize("tool", [name for name in READING if name != "list_logs"])
def test_a_swap_between_check_and_use_is_not_followed(
    tool: str, level: str, tree: Tree, run_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run was found, then a link takes the place of one of its folders, then it is read."""

    def found_then_swapped(*arguments: Any) -> Any:
        place = resolve(*arguments)
        swap(tree, level)
        return place

    for module in (massgen_logs.tree, live, collect):  # looked up at the call, and at import
        monkeypatch.setattr(module, "resolve", found_then_swapped)
    _, text = by_command(run_cli, tool, {"logs_dir": str(tree.root)} | MORE.get(tool, {}))
    assert (tree.root / "moved").exists()
    assert CANARY not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("moment", ["before the folder is opened", "after it was opened"])
@pytest.mark.parametrize("level", ["session", "turn"])
def test_a_swap_before_writing_writes_nothing_outside(
    level: str, moment: str, tree: Tree, report: str, run_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, or written into the folder that was opened, wherever that is now."""
    name = "write" if moment.startswith("before") else "_lock"
    plain = getattr(writing, name)

    def swapped(*arguments: Any, **more: Any) -> Any:
        swap(tree, level)
        return plain(*arguments, **more)

    monkeypatch.setattr(writing, name, swapped)
    answered, text = by_command(run_cli, "write_report", {"logs_dir": str(tree.root), "content": report})
    assert answered is moment.startswith("after")
    written = [str(path) for path in (tree.root / "moved").rglob("ANALYSIS_REPORT*")]
    assert len(written) == (2 if answered else 0), text
    assert tree.state() == tree.before


@pytest.mark.parametrize("level", ["session", "turn", "attempt", "agent"])
def test_a_folder_that_is_kept_open_stays_what_it_was(level: str, tree: Tree) -> None:
    """While a run is read: a link that takes the place of one of its folders is followed neither by what is open nor anew, and
    all handles are closed in the end, whatever happens."""
    path = tree.attempt / "agent_a" / "mine.txt" if level == "agent" else tree.attempt / "status.json"
    path.write_bytes(b"mine")
    before = len(os.listdir("/proc/self/fd"))
    with suppress(KeyError), handles.kept_open():
        assert handles.is_file(path)
        swap(tree, level)
        with os.fdopen(handles.open_file(path), "rb") as file:
            assert file.read() == b"mine"
        for other in (tree.session, tree.attempt, tree.attempt / "agent_a"):
            assert CANARY not in dict(entries(other))
        raise KeyError
    assert len(os.listdir("/proc/self/fd")) == before
    assert not handles.is_file(path)


def test_no_more_than_some_folders_are_kept_open(tmp_path: Path) -> None:
    """A run may have thousands."""
    session = tmp_path / NAME
    for number in range(200):
        (session / str(number)).mkdir(parents=True)
        (session / str(number) / "file").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))
    with handles.kept_open():
        assert all(handles.is_file(session / str(number) / "file") for number in range(200))
        assert len(os.listdir("/proc/self/fd")) <= before + 64


@contextmanager
def flickering(folder: Path, target: Path, aside: Path) -> Iterator[None]:
    """Meanwhile a thread takes the folder away, puts a link to `target` in its place, and undoes that, all the time."""
    stop = threading.Event()

    def flicker() -> None:
        while not stop.is_set():
            os.rename(folder, aside)
            folder.symlink_to(target)
            time.sleep(0.0001)
            folder.unlink()
            os.rename(aside, folder)
            time.sleep(0.0003)

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_session_that_flickers_is_read_inside_only(tree: Tree) -> None:
    """At least 4,000 reads, some inside and some refused; plain opening, beside them, does read the canary."""
    attempt = Attempt(1, tree.attempt)
    ours, theirs = (folder / "status.json" for folder in (tree.attempt, tree.far))
    want, canary = ours.read_bytes(), theirs.read_bytes()
    assert want != canary
    (tree.far / CANARY).mkdir()
    seen = {"inside": 0, "refused": 0, "read by plain opening": 0}
    with flickering(tree.session, tree.other, tree.root / "aside"):
        for number in range(100_000):
            if number >= 4000 and min(seen.values()):
                break
            try:
                with os.fdopen(handles.open_file(ours), "rb") as file:
                    assert file.read() == want
                seen["inside"] += 1
            except OSError:
                seen["refused"] += 1
            assert CANARY not in dict(entries(tree.attempt))
            assert not [name for name in attempt.agent_folders() if CANARY in name]
            try:
                seen["read by plain opening"] += ours.read_bytes() == canary
            except OSError:
                continue
    assert min(seen.values()) > 0, seen


def test_writing_while_a_turn_flickers_stays_inside(tree: Tree) -> None:
    """At least 300 reports, some written inside and some refused; nothing is made outside."""
    done = {True: 0, False: 0}
    with flickering(tree.turn, tree.other / "turn_1", tree.session / "aside"):
        for number in range(20_000):
            if number >= 300 and min(done.values()):
                break
            try:
                writing.write(tree.turn, "x" * (number % 7 + 1), "{}", overwrite=True)
                done[True] += 1
            except MassgenLogError:
                done[False] += 1
    assert min(done.values()) > 0, done
    assert tree.state() == tree.before


@pytest.mark.parametrize("level", ["session", "turn", "attempt", "agent"])
def test_without_handles_links_are_not_followed_either(
    level: str, tree: Tree, run_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system can't open by handle: the same answers on a real tree, nothing through a link."""
    arguments = {"logs_dir": str(tree.root)}
    plain = by_command(run_cli, "run_overview", arguments)
    loading._cache.clear()
    monkeypatch.setattr(handles, "BY_HANDLE", False)
    assert by_command(run_cli, "run_overview", arguments) == plain
    writing.write(tree.turn, "one", "{}", overwrite=False)
    assert (tree.turn / "ANALYSIS_REPORT.md").read_text() == "one"
    place = resolve(tree.root)
    swap(tree, level)
    assert place.attempt.file("agent_a", "20261122_104813_330911", "answer.txt") is None
    with pytest.raises(OSError, match="folder"):
        handles.open_file(tree.attempt / "agent_a" / "20261122_104813_330911" / "answer.txt")
    assert CANARY not in by_command(run_cli, "run_overview", arguments)[1]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0", "\ud800", "x" * 256])
def test_what_is_no_plain_name_is_no_path(name: str, tmp_path: Path) -> None:
    """Names come from logs: an agent may be called anything."""
    assert handles.below(tmp_path, "final", name) is None
    with handles.open_folder(tmp_path) as folder, pytest.raises(OSError, match="plain name"):
        folder.open(name)


def test_one_module_opens() -> None:
    """No other module of the package opens, lists or looks into a file of a log; cli reads the @FILE that the user himself
    names, an export writes into the folder that he names and its notes into his cache, where a team of analysts works too."""
    by_path = {
        "os.open", "os.scandir", "os.listdir", "os.walk", "os.stat", "os.lstat", "os.readlink", "os.replace", "os.rename",
        "os.remove", "os.unlink", "os.link", "os.symlink", "os.makedirs", "os.mkdir", "open", "io.open",
    }  # fmt: skip
    of_path = {
        "read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "glob", "rglob", "exists", "is_file", "is_dir",
        "touch", "mkdir", "unlink", "rename", "lstat", "symlink_to", "hardlink_to",
    }  # fmt: skip
    folder = Path(massgen_logs.__file__).parent
    found: set[tuple[str, str]] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if call in by_path or ("." in call and call.rsplit(".", 1)[1] in of_path):
                found.add((file.relative_to(folder).as_posix(), call))
    outside = {"records/parquet.py", "records/ledger.py", "commands/self_analysis.py", "commands/team.py"}
    assert {file for file, _ in found} - outside == {"handles.py", "cli.py"}
    assert {call for file, call in found if file == "cli.py"} == {"open", "os.open"}  # the latter: /dev/null
