"""The sample runs, unpacked once per test session, and the two front doors: command line and MCP client."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import runpy
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import figures
import synthetic
from massgen_logs import cli
from massgen_logs.report.material import Material, gather
from massgen_logs.report.structure import SECTIONS, TITLE
from massgen_logs.run.load import load
from massgen_logs.run.model import Agent, Ending, Run
from massgen_logs.text.mask import Masker
from massgen_logs.tree import Place, resolve

DATA = Path(__file__).parent / "data"
NO_NETWORK = str(Path(__file__).parent / "no_network")


def pytest_configure(config: pytest.Config) -> None:
    """Deny every connection that leaves the machine, here and in each process that a test starts."""
    runpy.run_path(f"{NO_NETWORK}/sitecustomize.py")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (NO_NETWORK, os.environ.get("PYTHONPATH"))))
    if not config.pluginmanager.is_registered(figures):
        config.pluginmanager.register(figures)
    os.environ.pop("CLAUDE_PROJECT_DIR", None)  # the tests may run inside of Claude Code


@dataclass(frozen=True)
class Sample:
    """One attempt of a sample run, and its ground truth from truth.json."""

    name: str
    root: Path
    truth: dict[str, Any]

    @property
    def place(self) -> list[str]:
        """The arguments that name it on the command line."""
        run = self.truth
        return [
            "--logs-dir", str(self.root), "--log", run["session"], "--turn", str(run["turn"]), "--attempt", str(run["attempt"]),
        ]  # fmt: skip

    @property
    def arguments(self) -> dict[str, Any]:
        """The same for an MCP call."""
        run = self.truth
        return {"logs_dir": str(self.root), "log": run["session"], "turn": run["turn"], "attempt": run["attempt"]}


def samples_in(folder: Path) -> list[Sample]:
    """Every attempt below `folder` that has a truth.json, halves of a split run left out."""
    found: list[Sample] = []
    for file in sorted(folder.glob("*/truth.json")):
        roots = [*file.parent.glob(".massgen/massgen_logs")]
        truth = json.loads(file.read_text())
        found += [Sample(file.parent.name, roots[0], run) for run in truth["runs"] if not run.get("same_run_as")]
        for snapshot, value in truth.get("snapshots", {}).items():
            root = file.parent / snapshot / "massgen_logs"
            found += [Sample(f"{file.parent.name}.{snapshot}", root, run) for run in value["runs"]]
    return found


def _made(name: str, source: Path, make: Callable[[Path], object]) -> Path:
    """A folder in the tests' own cache, made anew when its source has changed; whole, also with several workers."""
    stamp = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    target = Path(__file__).parent.parent / ".pytest_cache" / f"{name}-{stamp}"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=target.parent))
        make(fresh / name)
        with contextlib.suppress(OSError):  # another worker was first
            (fresh / name).rename(target)
        shutil.rmtree(fresh)
    return target


def _unpack(target: Path) -> None:
    with tarfile.open(DATA / "corpus.tar.xz") as tar:
        tar.extractall(target, filter="data")


CORPUS = _made("corpus", DATA / "corpus.tar.xz", _unpack)
CORPUS_SAMPLES = samples_in(CORPUS)
SYNTHETIC_SAMPLES = samples_in(_made("synthetic", Path(synthetic.__file__), synthetic.build_all))
ALL_SAMPLES = CORPUS_SAMPLES + SYNTHETIC_SAMPLES


END_FILES = (
    "coordination_events.json", "snapshot_mappings.json", "coordination_table.txt", "metrics_summary.json", "metrics_events.json",
)  # fmt: skip
"""What MassGen writes only at a run's end."""


def attempt(root: Path) -> Path:
    """The folder of the first attempt below a log root."""
    return next(path.parent for path in sorted(root.rglob("massgen.log")))


def named(name: str) -> Sample:
    """The first attempt of a sample."""
    return next(sample for sample in ALL_SAMPLES if sample.name == name)


def place_of(sample: Sample) -> Place:
    """Where a sample lies."""
    truth = sample.truth
    return resolve(sample.root, truth["session"], truth["turn"], truth["attempt"])


def made_run(*agents: str, **fields: Any) -> Run:
    """A run of these agents that finished, made from the given fields alone."""
    given = {name: Agent(name, None, None, "generic") for name in agents}
    ending = Ending("finished", "", "", None)
    return Run("log_x", 1, 1, 1, "/x", "0.1.97", None, "A question?", given, ending, **fields)


def run_of(sample: Sample) -> Run:
    """What is read of a sample."""
    return load(place_of(sample))


def material(root: Path, *place: Any, language: str = "en") -> Material:
    """What a draft of the run at `place` (log, turn, attempt; default: the last) is made of."""
    return _material(resolve(root, *place), language)


def _material(place: Place, language: str) -> Material:
    return gather(load(place), place, language, Masker())


def material_of(sample: Sample, language: str = "en") -> Material:
    """The same of a sample."""
    return _material(place_of(sample), language)


REPORT = TITLE + "\n" + "\n".join(
    f"\n## {title}\n" + ("" if parts else "None.\n") + "".join(f"\n### {part}\nNone.\n" for part in parts)
    for title, parts in SECTIONS
)  # fmt: skip
"""The least that is a whole report."""


def sample_id(sample: Sample) -> str:
    """Name of a sample in a test's id."""
    return f"{sample.name}-t{sample.truth['turn']}a{sample.truth['attempt']}"


@pytest.fixture
def corpus() -> Path:
    """The folder of the sample runs; read only."""
    return CORPUS


@pytest.fixture
def copy_of(tmp_path: Path):
    """Copies a sample's log root, so that a test may change it."""

    def copy(name: str) -> Path:
        root = tmp_path / name / ".massgen" / "massgen_logs"
        shutil.copytree(CORPUS / name / ".massgen" / "massgen_logs", root, symlinks=True)
        return root

    return copy


@pytest.fixture
def run_cli(capfd: pytest.CaptureFixture[str]):
    """Runs the command line in this process: (exit code, standard output, standard error)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = cli.main(list(arguments))
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return code, out, err

    return run


def pages(read: Callable[[str | None], tuple[Any, str | None]]) -> list[Any]:
    """All pages of a list: what `read` gives for a cursor, from none on until a page has no next one."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(3000):
        page, cursor = read(cursor)
        found.append(page)
        if cursor is None:
            return found
    raise AssertionError("pages never end")


@pytest.fixture
def ask(run_cli):
    """Calls a tool by the command line with --json, all pages of its list joined under `key`."""

    def call(tool: str, *arguments: str, key: str | None = None) -> dict[str, Any]:
        def read(cursor: str | None) -> tuple[dict[str, Any], str | None]:
            more = ["--cursor", cursor] if cursor else []
            code, out, err = run_cli(tool.replace("_", "-"), *arguments, *more, "--json")
            assert code == 0, err
            answer = json.loads(out)
            return answer, (answer["page"] or {}).get("next_cursor")

        if key is None:
            return read(None)[0]
        answers = pages(read)
        answers[-1]["data"][key] = [row for answer in answers for row in answer["data"][key]]
        return answers[-1]

    return call
