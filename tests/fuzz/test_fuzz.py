"""A small run of the mutants of `make fuzz`, and tests of the mutator and the oracle themselves.

FUZZ_SEED and FUZZ_MUTANTS choose other mutants and more of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import mutator
import oracle
import plans
import pytest
import runner
from documents import WRONG, documents, look, schema, walk
from many import ask_many, many
from mutant import Spec
from mutator import KINDS

from conftest import CORPUS
from massgen_logs.text.clean import Block
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import NAMES, get

SEED = int(os.environ.get("FUZZ_SEED", "0"))
MUTANTS = int(os.environ.get("FUZZ_MUTANTS", "60"))
CLEAN = "s1_clean_0.1.97"


def tree(root: Path) -> dict[str, object]:
    """Every path below a folder with what it is."""
    return {
        os.fsencode(p.relative_to(root)): os.readlink(p).replace(str(root), "") if p.is_symlink() else p.lstat().st_mode if not p.is_file() else p.read_bytes()
        for p in root.rglob("*")
        if os.access(p, os.R_OK) or p.is_symlink()
    }  # fmt: skip


def test_every_tool_survives(figure) -> None:
    """Each kind of damage at least once, then by chance: answers and clear refusals, nothing else."""
    plan = [*plans.every_kind(CORPUS, SEED), *plans.chance(MUTANTS, CORPUS, SEED)]
    found = runner.figures(runner.run(plan, CORPUS))
    assert found["failed"] == []
    assert found["mutants"] == len(plan)
    assert set(found["kinds"]) == set(KINDS)
    assert all(tool["calls"] for tool in found["tools"].values())
    assert found["refused"] < found["calls"] / 4  # a tool that refused everything would survive too
    figure(
        "broken trees",
        "{mutants} mutants of {kinds} kinds, every tool: {failed} tracebacks, hangs or untold losses",
        mutants=len(plan),
        kinds=len(KINDS),
        failed=0,
    )


def test_a_seed_makes_one_mutant(tmp_path: Path) -> None:
    """The same bytes and links from the same seed; others from another, for nearly every kind."""
    sample = runner.own_copy(CORPUS / CLEAN, tmp_path)
    made: dict[tuple[str, int, int], dict[str, object]] = {}
    for kind in sorted(set(KINDS) - {"sparse"}):
        for seed, copy in ((1, 0), (1, 1), (2, 0)):
            root = tmp_path / f"{kind}_{seed}_{copy}" / "massgen_logs"
            mutator.make(Spec(seed, CLEAN, (kind,)), sample, root)
            made[kind, seed, copy] = tree(root)
    before = tree(sample)
    for kind, seed, copy in made:
        assert made[kind, seed, copy] == made[kind, seed, 0]
    same = {kind for kind, _, _ in made if made[kind, 1, 0] == made[kind, 2, 0]}
    assert same <= {
        "unreadable",
        "report",
        "growing",
        "clocks",
    }  # as root the mode alone tells, and some have few variants
    unchanged = {kind for kind, _, _ in made if made[kind, 1, 0] == before and made[kind, 2, 0] == before}
    assert unchanged <= {"unreadable", "clocks"}
    assert tree(sample) == before  # links share the sample's bytes: no step may write into them


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ("status.json", ("", "agents", "*", "reliability", "enforcement_attempts", "*", "buffer_chars")),
        ("status.json", ("",)),
        ("vote.json", ("", "agent_mapping", "*")),
        ("context.txt", ("", "complete_vote_results", "voter_details", "*", "*", "reason")),
        ("coordination_events.json", ("", "session_metadata", "agent_ids", "*")),
        ("metrics_events.json", ("", "tool_executions", "*", "success")),
        ("events.jsonl", ("tool_complete", "data", "result")),
        ("events.jsonl", ("tool_start", "data", "args", "command")),
        ("update_message.txt", ("", "content")),
    ],
)
def test_every_field_gets_every_wrong_type(file: str, field: tuple[str, ...], tmp_path: Path) -> None:
    """The plan has the field with all six types, and a mutant changes the field and leaves its neighbours."""
    specs = [spec for spec in plans.every_field(CORPUS, 6) if spec.detail[:2] == (file, field)]
    assert {spec.detail[2] for spec in specs} == set(WRONG)
    spec = next(spec for spec in specs if spec.detail[2] == "line")
    sample = runner.own_copy(CORPUS / spec.sample, tmp_path)
    made = mutator.make(spec, sample, tmp_path / "mutant" / "massgen_logs")
    changed = 0
    for path in made.attempt.rglob(file):
        old = documents(sample / path.relative_to(made.root))
        new = documents(path)
        for number, doc in enumerate(old):
            for at in walk(doc):
                kind = str(doc.get("event_type")) if file == "events.jsonl" else ""
                if (kind, *schema(at)) == field:
                    assert look(new[number], at) == "a\nPLANTED"
                    changed += 1
                elif not isinstance(look(doc, at), dict | list) and field != ("",):
                    assert look(new[number], at) == look(doc, at)
    assert changed


def endless(spec: Spec, samples: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Stands for a mutant whose first call never ends."""
    say("run_overview {}")
    while True:
        pass


def test_a_hang_is_found() -> None:
    """Whatever the processor's speed; the next mutant has a worker again, which hangs too."""
    found = runner.run([Spec(n, CLEAN) for n in range(2)], CORPUS, limit_s=0.1, each=endless)
    assert [outcome.failures for outcome in found] == [["run_overview {}: no answer within 0.1 s of the processor"]] * 2


def test_the_oracle_finds_what_is_wrong(tmp_path: Path) -> None:
    """An answer that is sound, then the same with a bell, a line of the log's, too much text, an unknown state, a silent loss."""
    sample = runner.own_copy(CORPUS / CLEAN, tmp_path)
    answer = call(get("run_overview"), {"logs_dir": str(sample)})
    assert oracle.wrong_with(answer) == []
    assert oracle.not_told(answer, ["status.json"]) != []
    answer.scope["state"] = "well"
    assert oracle.wrong_with(answer) == ["state 'well'"]
    answer.scope["state"] = "finished"
    for text, said in (("a\x07", "character"), ("a\n- PLANTED", "a line of the log's"), ("a " * 20_001, "characters")):
        kept = answer.tool
        answer.tool = type(
            "Fake", (), {"render": lambda self, data, text=text: [Block(text)], "notes": None, "name": "x"}
        )()
        if said == "character":  # the answer itself removes it
            assert oracle.wrong_with(answer) == []
        else:
            assert said in oracle.wrong_with(answer)[0]
        answer.tool = kept


@pytest.mark.parametrize("what", ["empty", "runs", "files"])
def test_a_root_with_very_many_entries(what: str, tmp_path: Path) -> None:
    """The one old run beside 1,000 entries is found; the list is a page that says how many there are."""
    root = tmp_path / "massgen_logs"
    many(root, 1000, what)
    asked = {title: text for title, (_, text) in ask_many(root).items()}
    newest = "log_20260101_001639_000999" if what == "runs" else "log_20250101_000000_000000"
    assert newest in asked["latest"]
    assert newest in asked["list_logs"]
    if what == "runs":
        assert "shown 20 of 1001" in asked["list_logs"]
    if what == "empty":
        assert "1000 log_* folders hold no run" in asked["list_logs"]


def test_every_tool_is_called() -> None:
    """Also one that is registered later."""
    assert set(runner.figures([])["tools"]) == set(NAMES)
