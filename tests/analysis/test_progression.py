"""answer_progression against what really happened (SCENARIO.md of the runs), and each of its rules on the smallest case."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from conftest import ALL_SAMPLES, CORPUS, Sample, made_run, sample_id
from massgen_logs.analysis.progression import answer_progression, similarity, taken_over
from massgen_logs.attempt import Attempt
from massgen_logs.errors import MassgenLogError
from massgen_logs.run import answer_files
from massgen_logs.run.answer_files import AnswerFiles
from massgen_logs.run.model import Answer, Execution, Moment, Note, Run
from massgen_logs.text.clean import clean
from massgen_logs.text.mask import Masker
from massgen_logs.tools import answer_progression as tool
from massgen_logs.tools.base import call

DRAFT = b"Old pond / a frog leaps in / splash\n"
HAIKU = b"# Frog\nOld pond / a frog leaps in / water's sound\n"
NOTES = "built on agent3.1's title\nünïcode ✓\n".encode()


def measured(name: str, **arguments: Any) -> dict[str, Any]:
    return call(tool.TOOL, {"logs_dir": str(CORPUS / name), **arguments}).data


def rows(name: str) -> dict[str, dict[str, Any]]:
    return {row["label"]: row for row in measured(name)["answers"]}


def made(*texts: tuple[str, str, str | None], final: str | None = None, **more: Any) -> Run:
    """A run of (label, agent, text), one answer a second."""
    answers = [Answer(label, agent, float(i + 1), 0, text, "x") for i, (label, agent, text) in enumerate(texts)]
    winner = texts[-1][1] if texts else None
    return made_run(
        *(agent for _, agent, _ in texts), winner=winner, final_text=final, final_src="final", answers=answers, **more
    )


def files(added: int = 0, changed: int = 0, removed: int = 0, unchanged: int = 0) -> AnswerFiles:
    names = [
        [f"{kind}{i}" for i in range(n)] for kind, n in zip("acru", (added, changed, removed, unchanged), strict=True)
    ]
    sizes = dict.fromkeys(names[0] + names[1] + names[3], 1)
    return AnswerFiles("f", sizes, False, names[0], names[1], names[2], names[3])


def change(before: str, after: str, now: AnswerFiles | None = None) -> str:
    run = made(("agent1.1", "a", before), ("agent1.2", "a", after))
    return answer_progression(run, [None, now]).answers[1].change


@pytest.mark.parametrize("name", ["s2_three_agents_0.1.97", "s2d_three_agents_240s_0.1.61"])
def test_alpha_builds_on_zetas_title(name: str) -> None:
    """alpha's second answer knew zeta's, took `Frog` before `Old pond` from it, and came with a changed and a new file."""
    found = rows(name)
    assert list(found) == ["agent1.1", "agent3.1", "agent2.1", "agent2.2", "agent1.2"]
    row = found["agent1.2"]
    assert (row["agent"], row["change"], row["own_last"], row["round"]) == ("alpha", "substantive", "agent1.1", 1)
    assert {s["label"]: s["agent"] for s in row["seen"]}.items() >= {"agent3.1": "zeta", "agent1.1": "alpha"}.items()
    # its 24 words hold `v2 builds on` of mid's second answer and `Frog Old pond` of zeta's; `a frog leaps in` is its own
    taken = row["taken_over"]
    assert (taken["words"], taken["of"], taken["share"]) == (6, 24, 0.25)
    assert (taken["longest"], taken["longest_words"], taken["source"]) == ("Frog — Old pond", 3, "agent3.1")
    assert row["files"]["counts"] == {"added": 1, "changed": 1, "removed": 0, "unchanged": 0}
    assert (row["files"]["names"]["added"], row["files"]["names"]["changed"]) == (["sub/notes.txt"], ["haiku.md"])
    assert row["files"]["bytes"] == len(HAIKU) + len(NOTES)
    first = found["agent1.1"]
    assert (first["change"], first["files"]["names"]["added"], first["files"]["bytes"]) == (
        "first",
        ["haiku.md"],
        len(DRAFT),
    )
    assert first["seen"] == []
    assert found["agent3.1"]["files"]["total"] == 0


def test_injection_counts_as_seen() -> None:
    """mid's second answer was injected into alpha before alpha's second one."""
    row = rows("s2_three_agents_0.1.97")["agent1.2"]
    assert {s["label"]: s["how"] for s in row["seen"]}["agent2.2"] == "injection"
    assert {s["how"] for s in row["seen"] if s["label"] != "agent2.2"} == {"context"}


def test_second_answer_of_mid() -> None:
    """Every sign of mid's first answer stands in order in its second: 2 x 68 / (68 + 98). It took nothing over."""
    row = rows("s2_three_agents_0.1.97")["agent2.2"]
    assert (row["own_similarity"], row["chars"], row["change"]) == (round(2 * 68 / 166, 3), 98, "substantive")
    assert (row["taken_over"]["words"], row["taken_over"]["longest"]) == (0, None)


def test_identical_answers_both_accepted() -> None:
    """agent_b's first answer is agent_a's second word for word; neither had seen the other."""
    found = rows("s3_enforcement_0.1.97")
    assert {label: row["duplicates"] for label, row in found.items()} == {
        "agent1.1": [], "agent1.2": ["agent2.1"], "agent2.1": ["agent1.2"],
    }  # fmt: skip
    assert [s["label"] for s in found["agent1.2"]["seen"]] == ["agent1.1"]
    assert found["agent2.1"]["seen"] == []
    assert [row["change"] for row in found.values()] == ["first", "substantive", "first"]
    final = measured("s3_enforcement_0.1.97")["final"]
    assert (final["winning"], final["chars"], final["identical"], final["unrelated"]) == ("agent1.2", 24, False, False)
    assert "IDENTICAL to agent2.1" in call(tool.TOOL, {"logs_dir": str(CORPUS / "s3_enforcement_0.1.97")}).text()


def test_final_is_the_stored_answer() -> None:
    """A time-out re-used agent_a's answer without a presenter."""
    final = measured("s5b_orch_timeout_one_answer_0.1.97")["final"]
    assert (final["winning"], final["similarity"], final["identical"], final["unrelated"]) == (
        "agent1.1",
        1.0,
        True,
        False,
    )


def test_final_much_longer() -> None:
    """s13b: only `Every suspect station over 64 seeds`, 6 of its 24 words, stands in the long final answer."""
    found = measured("s13b_large_agent_dead_0.1.97")
    final = found["final"]
    assert (final["winning"], final["winning_chars"], final["chars"]) == ("agent3.2", 148, 4659)
    assert (final["kept"], final["unrelated"], final["identical"]) == (0.25, False, False)
    emptied = {row["label"]: row["files"] for row in found["answers"]}["agent2.2"]
    assert (emptied["total"], emptied["names"]["removed"]) == (0, ["gen_report.py", "make_notes.py", "show_env.py"])


@pytest.mark.parametrize("name", sorted(p.name for p in CORPUS.glob("s1_clean_*")))
def test_clean_run(name: str) -> None:
    """One answer an agent: nothing changed, nothing twice, and a final answer that keeps `the sum of` and `100 is 5050`."""
    found = measured(name)
    assert found["changes"] == {"first": 2}
    assert [row["duplicates"] for row in found["answers"]] == [[], []]
    assert [row["own_last"] for row in found["answers"]] == [None, None]
    final = found["final"]
    assert (final["winning"], final["kept"], final["unrelated"], final["identical"]) == (
        "agent1.1",
        6 / 16,
        False,
        False,
    )


def test_killed_run_has_no_final() -> None:
    """Both answers are there; asking for the final one names what exists."""
    found = measured("s6_killed_0.1.97")
    assert ([row["label"] for row in found["answers"]], found["final"]) == (["agent1.1", "agent2.1"], None)
    with pytest.raises(MassgenLogError, match=r"agent1\.1, agent2\.1"):
        measured("s6_killed_0.1.97", label="final")


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_every_sample(sample: Sample) -> None:
    """The labels are those of the ground truth."""
    answer = call(tool.TOOL, sample.arguments)
    if answer.page is not None and answer.page.next_cursor is None:
        assert [(r["label"], r["agent"]) for r in answer.data["answers"]] == [
            (a["label"], a["agent"]) for a in sample.truth["answers"]
        ]


FACTS = " ".join(f"The reading of station {name} was stable over the whole night." for name in "abcdefghijklmnopqrst")


@pytest.mark.parametrize(
    ("after", "now", "kind"),
    [
        (FACTS, None, "identical"),
        (FACTS.replace(" ", "\n") + "\n", None, "identical"),
        (FACTS, files(removed=2), "identical"),
        (FACTS, files(unchanged=2), "identical"),
        (FACTS, files(added=1), "substantive"),
        (FACTS, files(changed=1), "substantive"),
        (FACTS.replace("stable", "steady", 1), None, "cosmetic"),
        (FACTS + " one two three four five six seven eight nine ten eleven twelve", None, "cosmetic"),
        (FACTS + " one two three four five six seven eight nine ten eleven twelve more", None, "substantive"),
        (FACTS + " 7", None, "substantive"),
        (FACTS[: len(FACTS) // 2], None, "substantive"),
    ],
)
def test_change(after: str, now: AnswerFiles | None, kind: str) -> None:
    """Equal but for white space; few words; other numbers; many words; other files."""
    assert change(FACTS, after, now) == kind


def test_missing_text() -> None:
    """Without a text nothing is measured and nothing guessed."""
    run = made(("agent1.1", "a", None), ("agent1.2", "a", "x"))
    row = answer_progression(run, [None, None]).answers[1]
    assert (row.change, row.own_similarity, row.seen, row.taken_over, row.files) == ("unknown", None, None, None, None)


def test_similarity() -> None:
    """2 x common signs by all signs; 1 only for equal texts; very long ones by words."""
    assert similarity("abcd", "abXY") == 0.5
    assert similarity("a  b\n", "a b") == 1.0
    long = "x" * 5000
    assert similarity(long, long + "y") < 1.0
    words = [f"w{i}" for i in range(30_000)]
    assert similarity(" ".join(words), " ".join(words[:15_000])) == pytest.approx(2 * 15 / 45, abs=0.001)


@pytest.mark.parametrize(
    ("others", "known", "words", "longest"),
    [
        ({"b": "we saw the red fox, jumps over"}, [], 5, "the red fox jumps over"),
        ({"b": "we saw the red fox, jumps over"}, ["the red fox jumps over"], 0, None),
        ({"b": "red fox"}, [], 0, None),
        ({"b": "the red fox", "c": "over the lazy dog"}, [], 7, "over the lazy dog"),
        ({}, [], 0, None),
    ],
)
def test_taken_over(others: dict[str, str], known: list[str], words: int, longest: str | None) -> None:
    """Stretches of 3 words or more that others have and the author had not."""
    taken = taken_over("Note: the red fox jumps over the lazy dog", others, known)
    assert (taken.words, taken.of, taken.longest) == (words, 9, longest)


def test_taken_over_in_chinese() -> None:
    """Signs count as words where no blanks stand between words."""
    taken = taken_over("总和是五千零五十。", {"b": "答案：五千零五十"}, [])
    assert (taken.words, taken.of, taken.longest) == (5, 8, "五千零五十")


def seen_by(run: Run) -> dict[str, str]:
    row = answer_progression(run, [None] * len(run.answers)).answers[-1]
    assert row.seen is not None
    return {s.label: s.how for s in row.seen}


def test_seen_before_it_only() -> None:
    """What its own start's context and the injections between start and answer brought, in the version of that time."""
    run = made(("agent1.1", "a", "one"), ("agent1.2", "a", "two"), ("agent2.1", "b", "three"))
    run.executions = [
        Execution("b", 0, 0.0, 0, (), "", ""), Execution("b", 1, 2.9, 0, ("agent1.2",), "", ""),
        Execution("b", 2, 3.0, 1, ("agent1.2", "agent2.1"), "", ""),
    ]  # fmt: skip
    run.moments = [Moment(1.5, "injection", "b", "answers of a", "")]
    assert seen_by(run) == {"agent1.2": "context"}  # the injection went into the start before
    run.executions = run.executions[:1]
    assert seen_by(run) == {"agent1.1": "injection"}
    run.notes = [Note("not_delivered", "1 injection into b recorded, 0 reached it", agent="b")]
    assert seen_by(run) == {"agent1.1": "injection (delivery doubtful)"}
    run.notes, run.moments = [], [Moment(1.5, "injection", "b", "Received update with 1 NEW answer(s) from: a", "")]
    assert seen_by(run) == {"agent1.1": "injection (delivery doubtful)"}  # up to 0.1.32 no request had it
    run.moments = [Moment(3.5, "injection", "b", "answers of a", ""), Moment(1.0, "injection", "a", "answers of a", "")]
    assert seen_by(run) == {}


def test_injection_without_source_is_deduced_or_not_named() -> None:
    """0.1.36 to 0.1.45 record no source: where one other agent had answered it was that one, where two had none is named."""
    run = made(("agent1.1", "a", "one"), ("agent2.1", "b", "three"), executions=[Execution("b", 0, 0.0, 0, (), "", "")])
    run.moments = [Moment(1.5, "injection", "b", "Mid-stream: 1 answer(s)", "")]
    row = answer_progression(run, [None, None]).answers[-1]
    assert row.seen is not None
    assert [(s.label, s.how) for s in row.seen] == [("agent1.1", "injection, source deduced")]
    assert row.unnamed == 0
    run = made(
        ("agent1.1", "a", "one"), ("agent3.1", "c", "two"), ("agent2.1", "b", "three"),
        executions=[Execution("b", 0, 0.0, 0, (), "", "")],
    )  # fmt: skip
    run.moments = [Moment(2.5, "injection", "b", "Mid-stream: 1 answer(s)", "")]
    row = answer_progression(run, [None, None, None]).answers[-1]
    assert (row.seen, row.unnamed) == ([], 1)


def folder(base: Path, stamp: str, text: str, **content: bytes) -> Path:
    made_folder = base / "a" / stamp
    (made_folder / "workspace").mkdir(parents=True)
    (made_folder / "answer.txt").write_text(text)
    for name, data in content.items():
        (made_folder / "workspace" / name).write_bytes(data)
    return made_folder


STAMPS = ("20260101_000000_000001", "20260101_000001_000001")


def stored(texts: tuple[str, str], stamps: tuple[str | None, str | None] = STAMPS) -> list[Answer]:
    """Two answers of agent a, with the folders that a run names for them."""
    answers = made(("agent1.1", "a", texts[0]), ("agent1.2", "a", texts[1])).answers
    return [replace(a, folder=stamp and f"a/{stamp}") for a, stamp in zip(answers, stamps, strict=True)]


def test_files_are_compared_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same size and other bytes is a change; a big file is compared by size alone, and that is said."""
    monkeypatch.setattr(answer_files, "BYTES_COMPARED", 4)
    folder(tmp_path, STAMPS[0], "one", same=b"abc", other=b"abc", big=b"12345", gone=b"x")
    folder(tmp_path, STAMPS[1], "two", same=b"abc", other=b"abd", big=b"12346", new=b"x")
    second = answer_files.collect(Attempt(1, tmp_path), stored(("one", "two")))[1]
    assert second is not None
    assert (second.added, second.changed, second.removed) == (["new"], ["other"], ["gone"])
    assert (sorted(second.unchanged), second.by_size) == (["big", "same"], ["big"])


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither a linked file, nor a linked folder, nor a workspace that is a link itself."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("x")
    base = tmp_path / "attempt"
    first = folder(base, STAMPS[0], "one", real=b"x")
    os.symlink(outside / "secret.txt", first / "workspace" / "link.txt")
    os.symlink(outside, first / "workspace" / "linked")
    second = folder(base, STAMPS[1], "two")
    (second / "workspace").rmdir()
    os.symlink(outside, second / "workspace")
    found = answer_files.collect(Attempt(1, base), stored(("one", "two")))
    assert [f and list(f.sizes) for f in found] == [["real"], []]


def test_an_answer_without_a_folder(tmp_path: Path) -> None:
    """Neither its files nor what the next answer adds to them are claimed."""
    folder(tmp_path, STAMPS[1], "two", real=b"x")
    assert answer_files.collect(Attempt(1, tmp_path), stored(("one", "two"), (None, STAMPS[1]))) == [None, None]


SECRET = "sk-abcdefghijklmnopqrstuvwx"
SPLIT = SECRET[:9] + "\x1b[31m" + SECRET[9:]
PIECES = [
    "a", " ", "\n", "```", "界", "é", "\x1b[31m", "\u202e", "\r\n", "sk-", "API_KEY=", "[masked:", "[REDACTED]",
    "token: ab12cd34ef56", f" {SECRET} ", f" {SPLIT} ",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=60).map("".join), st.integers(1, 60))
def test_pages_are_the_whole_text(text: str, limit: int) -> None:
    """Pages of any size, masked again as every answer is, joined are the text without secrets and invisible signs."""
    run = made(("agent1.1", "a", text), final=text)
    for label in ("agent1.1", "final"):
        cursor, joined = None, ""
        for _ in range(len(text) + 30 * len(PIECES)):
            result = tool.answer_progression(run, None, label, limit, cursor)  # type: ignore[arg-type]
            piece = result.masker.value(result.data)
            assert len(piece["text"]) <= limit
            joined += piece["text"]
            assert result.page is not None
            cursor = result.page.next_cursor
            if cursor is None:
                break
        one = Masker()
        assert joined == one.text(clean(one.text(text)))
        assert SECRET not in joined


def test_full_text_through_the_tool(copy_of) -> None:
    """A long final answer comes in pages of less than 7,600 characters, each with where to go on."""
    text = "\n".join(f"Line {i} of the answer." for i in range(1500))
    root = copy_of("s5b_orch_timeout_one_answer_0.1.97")
    for file in root.glob("*/turn_1/attempt_1/final/agent_a/answer.txt"):
        file.write_text(text)
    cursor, joined, pages = None, "", 0
    while pages == 0 or cursor:
        answer = call(tool.TOOL, {"logs_dir": str(root), "label": "final", "cursor": cursor})
        assert len(answer.text()) < 7600
        joined, pages = joined + answer.data["text"], pages + 1
        assert answer.page is not None
        cursor = answer.page.next_cursor
        assert cursor is None or f'cursor="{cursor}"' in answer.text()
    assert joined == text
    assert pages > 4


def test_no_secret_is_quoted() -> None:
    """A secret that both texts hold is masked before it is cut into a quote."""
    text = f"we use the key {SECRET} for all calls"
    run = made(
        ("agent1.1", "a", text),
        ("agent2.1", "b", "so " + text),
        executions=[Execution("b", 0, 1.5, 0, ("agent1.1",), "", "")],
    )
    masker = Masker()
    row = answer_progression(run, [None, None], masker.text).answers[1]
    assert row.taken_over is not None
    assert row.taken_over.longest == "we use the key [masked:openai#1] for all calls"
    assert SECRET not in row.head


def test_many_answers_are_paged() -> None:
    """Each answer is on exactly one page, and a page without a limit stays short."""
    run = made(*[(f"agent1.{i}", "a", f"{FACTS} {i}") for i in range(1, 61)], final="x y z")
    place = type("P", (), {"attempt": Attempt(1, Path("/nowhere"))})
    labels, cursor = [], None
    for _ in range(60):
        result = tool.answer_progression(run, place, cursor=cursor)  # type: ignore[arg-type]
        data: Any = result.masker.value(result.data)
        assert len("\n".join(tool.render(data))) < 7200
        assert data["changes"] == {"substantive": 59, "first": 1}
        labels += [row["label"] for row in data["answers"]]
        assert result.page is not None
        cursor = result.page.next_cursor
        if cursor is None:
            break
    assert labels == [f"agent1.{i}" for i in range(1, 61)]


def test_wrong_arguments() -> None:
    """An unknown label, a limit of 0 and a foreign cursor are refused with what exists."""
    run = made(("agent1.1", "a", "one"), final="one")
    for arguments in ({"label": "agent9.9"}, {"label": "final", "limit": 0}, {"label": "final", "cursor": "99"}):
        with pytest.raises(MassgenLogError, match=r"agent1\.1, final|1 or more|Leave it out"):
            tool.answer_progression(run, None, **arguments)  # type: ignore[arg-type]
