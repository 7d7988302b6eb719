"""A report is whole or not there, whatever kills its writer, fills the disk or writes beside it; none is lost."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from massgen_logs.errors import MassgenLogError
from massgen_logs.handles import Folder, open_folder
from massgen_logs.report import write as writing
from massgen_logs.report.write import write

MD, JSON = "ANALYSIS_REPORT.md", "ANALYSIS_REPORT.json"
KILLS = 300


def pair(name: str) -> tuple[str, str]:
    """A report of 20 KB that shows when it is torn or mixed, and the data that belong to it."""
    text = f"start {name}\n" + f"{name} " * (20_000 // (len(name) + 1)) + f"\nend {name}\n"
    return text, json.dumps({"of": name, "report_sha256": hashlib.sha256(text.encode()).hexdigest(), "end": name})


def name_of(file: Path) -> str:
    """The name with which a file was made; fails if the file isn't whole."""
    content = file.read_text()
    name = json.loads(content)["of"] if file.suffix == ".json" else content.split("\n")[0].removeprefix("start ")
    assert content == pair(name)[file.suffix == ".json"], f"{file.name} is torn"
    return name


def reports(turn: Path) -> dict[str, str]:
    """File name to what it holds, of every finished file in the folder."""
    return {file.name: name_of(file) for file in turn.iterdir() if not file.name.endswith(".tmp")}


def leftovers(turn: Path) -> list[str]:
    return [name for name in os.listdir(turn) if name.endswith(".tmp")]


def child(work: Callable[[], object]) -> int:
    """Run in a forked process; its exit code is 0, or 3 after a MassgenLogError, whose text lands in no place."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except MassgenLogError:
        code = 3
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_report_is_written_and_the_earlier_one_kept(tmp_path: Path) -> None:
    """No temporary file stays; without overwrite nothing changes; the data stay with their report."""
    assert write(tmp_path, *pair("one"), overwrite=False) is None
    with pytest.raises(MassgenLogError, match="overwrite=true"):
        write(tmp_path, *pair("two"), overwrite=False)
    assert reports(tmp_path) == {MD: "one", JSON: "one"}
    first = write(tmp_path, *pair("two"), overwrite=True)
    second = write(tmp_path, *pair("three"), overwrite=True)
    assert first is not None
    assert second is not None
    assert reports(tmp_path) == {
        MD: "three", JSON: "three", first.name: "one", first.with_suffix(".json").name: "one",
        second.name: "two", second.with_suffix(".json").name: "two",
    }  # fmt: skip
    assert not leftovers(tmp_path)


def test_an_empty_report_of_massgen_is_no_report(tmp_path: Path) -> None:
    """MassGen's self-analysis leaves an empty file: it is replaced unasked, and not kept."""
    (tmp_path / MD).touch()
    assert write(tmp_path, *pair("one"), overwrite=False) is None
    assert reports(tmp_path) == {MD: "one", JSON: "one"}


def test_the_same_text_with_other_data_loses_neither(tmp_path: Path) -> None:
    """Saved again within a second after the log had changed: both data are kept, each beside its report."""
    text, data = pair("one")
    write(tmp_path, text, data, overwrite=False)
    write(tmp_path, text, data.replace('"end"', '"END"'), overwrite=True)
    write(tmp_path, *pair("two"), overwrite=True)
    kept = [file.read_text() for file in tmp_path.glob("ANALYSIS_REPORT.*.json")]
    assert sorted(kept) == sorted([data, data.replace('"end"', '"END"')])


def test_killed_at_random(tmp_path: Path, figure) -> None:
    """300 writers that save one report after the other, each killed within some milliseconds: what was there before is
    there after, and every file is whole. Data of another report than the one beside them name that other one."""
    write(tmp_path, *pair("0.0"), overwrite=False)
    chance = random.Random(4)
    cut = 0
    for number in range(1, KILLS + 1):
        before = reports(tmp_path)[MD]
        started, tell = os.pipe()

        def save_all(number: int = number, tell: int = tell) -> None:
            os.write(tell, b"x")
            for index in range(1000):
                write(tmp_path, *pair(f"{number}.{index}"), overwrite=True)

        pid = child(save_all)
        os.read(started, 1)
        time.sleep(chance.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        assert ended(pid) == -signal.SIGKILL
        os.close(started)
        os.close(tell)
        found = reports(tmp_path)
        cut += bool(leftovers(tmp_path))
        held_reports = {held for name, held in found.items() if name.endswith(".md")}
        written = int(found[MD].split(".")[1]) if found[MD] != before else -1
        assert before in held_reports
        own = {f"{number}.{index}" for index in range(written + 1)}
        assert own == {held for held in held_reports if held.startswith(f"{number}.")}
        for name, held in found.items():  # data stand beside their own report, or say that they don't
            report = tmp_path / name.replace(".json", ".md")
            if name.endswith(".json") and name != JSON:
                assert held == name_of(report)
        for name in found if found[JSON] == found[MD] else ():  # else kept data are those that still stand there too
            if name not in {MD, JSON}:
                (tmp_path / name).unlink()
    figure("writers killed", "{kills} at random moments, {torn} reports torn or lost", kills=KILLS, torn=0)
    assert cut > KILLS / 10, "hardly a writer was killed while it wrote"
    write(tmp_path, *pair("last"), overwrite=True)
    assert not leftovers(tmp_path)


def test_killed_before_every_single_step(tmp_path: Path) -> None:
    """The writer is killed before its first change of the folder, before its second, and so on until it gets through; also
    with half of a file written. The next writer goes on as if nothing had happened."""
    steps = 0
    for step in range(40):
        turn = tmp_path / str(step)
        turn.mkdir()
        write(turn, *pair("old"), overwrite=False)

        def save(step: int = step, turn: Path = turn) -> None:
            left = [step]

            def die(*_: object) -> None:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            for name in ("link", "replace", "remove", "sync"):
                plain = getattr(Folder, name)
                setattr(Folder, name, lambda *args, plain=plain: (die(), plain(*args))[1])
            create = Folder.create

            def torn(folder: Folder, name: str, content: bytes) -> None:
                die()
                if left[0] == 0:
                    create(folder, name, content[: len(content) // 2])
                    die()
                create(folder, name, content)

            Folder.create = torn
            write(turn, *pair("new"), overwrite=True)

        code = ended(child(save))
        found = reports(turn)
        assert found[MD] in {"old", "new"}
        assert "old" in {held for name, held in found.items() if name.endswith(".md")}
        assert found[JSON] in {"old", found[MD]}
        write(turn, *pair("next"), overwrite=True)
        assert not leftovers(turn)
        found = reports(turn)
        assert (found[MD], found[JSON]) == ("next", "next")
        kept = {name: held for name, held in found.items() if name not in {MD, JSON}}
        assert set(kept.values()) <= {"old", "new"}
        assert "old" in kept.values()
        assert all(kept[name.replace(".json", ".md")] == held for name, held in kept.items())
        steps += code != 0
        if code == 0:
            break
    assert code == 0
    assert steps >= 8  # two files made and torn, two names kept, two given


@pytest.mark.parametrize("empty", [False, True])
def test_of_two_writers_without_overwrite_one_wins(empty: bool, tmp_path: Path) -> None:
    """50 times, also over the empty report that MassGen leaves: one is told that a report exists, the other's stands."""
    for number in range(50):
        turn = tmp_path / str(number)
        turn.mkdir()
        if empty:
            (turn / MD).touch()
        codes = race(turn, overwrite=False)
        assert sorted(codes) == [0, 3]
        winner = "ab"[codes.index(0)]
        assert reports(turn) == {MD: winner, JSON: winner}
        assert not leftovers(turn)


def test_of_two_writers_with_overwrite_both_reports_survive(tmp_path: Path) -> None:
    """50 times: the later one stands, the earlier one is kept with its data, as is the one that was there before."""
    for number in range(50):
        turn = tmp_path / str(number)
        turn.mkdir()
        write(turn, *pair("old"), overwrite=False)
        assert race(turn, overwrite=True) == [0, 0]
        found = reports(turn)
        assert sorted(found.values()) == ["a", "a", "b", "b", "old", "old"]
        assert all(found[name.replace(".json", ".md")] == held for name, held in found.items())


def race(turn: Path, *, overwrite: bool) -> list[int]:
    """Exit codes of two processes that write at once."""
    wait, go = os.pipe()

    def save(name: str) -> None:
        os.close(go)
        os.read(wait, 1)
        write(turn, *pair(name), overwrite=overwrite)

    pids = [child(lambda name=name: save(name)) for name in "ab"]
    os.close(go)
    codes = [ended(pid) for pid in pids]
    os.close(wait)
    return codes


def test_a_writer_that_does_not_end_is_told_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a time; when it is gone the next one writes."""
    monkeypatch.setattr(writing, "_WAIT", 0.05)
    with open_folder(tmp_path) as folder:
        assert writing._lock(folder)
        with pytest.raises(MassgenLogError, match="Another writer"):
            write(tmp_path, *pair("one"), overwrite=False)
    write(tmp_path, *pair("one"), overwrite=False)


def test_where_writers_cannot_exclude_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is written all the same; a temporary file of the last hour may be another writer's and is left."""
    monkeypatch.setattr(writing, "fcntl", None)
    young, old = tmp_path / ".ANALYSIS_REPORT.1.md.tmp", tmp_path / ".ANALYSIS_REPORT.2.md.tmp"
    for file in (young, old):
        file.touch()
    os.utime(old, (0, 0))
    write(tmp_path, *pair("one"), overwrite=False)
    assert leftovers(tmp_path) == [young.name]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    tool = shutil.which("mount")
    done = tool and subprocess.run([tool, "-t", "tmpfs", "-o", "size=128k", "none", str(disk)], capture_output=True)
    if not done or done.returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_leaves_the_old_report(small_disk: Path) -> None:
    """No file of the new one stays; when there is room again it is written."""
    write(small_disk, *pair("old"), overwrite=False)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 96_000)
    with pytest.raises(MassgenLogError, match=r"can't be written: No space left"):
        write(small_disk, *pair("new"), overwrite=True)
    filler.unlink()
    assert reports(small_disk) == {MD: "old", JSON: "old"}
    assert not leftovers(small_disk)
    write(small_disk, *pair("new"), overwrite=True)
    assert reports(small_disk)[MD] == "new"


def test_a_file_that_may_not_grow_leaves_the_old_report(tmp_path: Path) -> None:
    """The same by a limit of file sizes, in a process of its own."""
    write(tmp_path, *pair("old"), overwrite=False)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        write(tmp_path, *pair("new"), overwrite=True)

    assert ended(child(limited)) == 3
    assert reports(tmp_path) == {MD: "old", JSON: "old"}
    assert not leftovers(tmp_path)


def test_a_read_only_folder_is_told_and_leaves_the_old_report() -> None:
    """By a user who may read it and no more."""
    turn = Path(tempfile.mkdtemp())
    try:
        write(turn, *pair("old"), overwrite=False)
        turn.chmod(0o555)
        said, tell = os.pipe()

        def as_nobody() -> None:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            try:
                write(turn, *pair("new"), overwrite=True)
            except MassgenLogError as error:
                os.write(tell, str(error).encode())
                raise

        assert ended(child(as_nobody)) == 3
        assert f"{turn / MD} can't be written: Permission denied" in os.read(said, 1000).decode()
        assert reports(turn) == {MD: "old", JSON: "old"}
    finally:
        turn.chmod(0o755)
        shutil.rmtree(turn)


def test_an_error_between_the_two_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report stands, and the data beside it name the one that they belong to."""
    write(tmp_path, *pair("old"), overwrite=False)
    plain = Folder.replace

    def failing(folder: Folder, name: str, new: str) -> Any:
        if new == JSON:
            raise OSError(5, "Input/output error")
        return plain(folder, name, new)

    monkeypatch.setattr(Folder, "replace", failing)
    with pytest.raises(MassgenLogError, match="Input/output error"):
        write(tmp_path, *pair("new"), overwrite=True)
    found = reports(tmp_path)
    assert (found[MD], found[JSON]) == ("new", "old")
    assert (
        json.loads((tmp_path / JSON).read_text())["report_sha256"]
        == hashlib.sha256(pair("old")[0].encode()).hexdigest()
    )
    assert not leftovers(tmp_path)


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and signals")
