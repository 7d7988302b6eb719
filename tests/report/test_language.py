"""A report in Chinese: drafted, filled, saved; refused by the same rules."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from conftest import ALL_SAMPLES, Sample, material_of, sample_id
from massgen_logs.report import agents, closing, diagram, draft, issues, language, material, opening, quality, work
from massgen_logs.report.language import Say, language_of

S1 = "s1_clean_0.1.97"
MARK = re.compile(r"\[\[JUDGE: .*?\]\]")


def drafted(run_cli, root: Path, *more: str) -> str:
    code, out, err = run_cli("draft-report", "--logs-dir", str(root), *more)
    assert code == 0, err
    return out


def save(run_cli, root: Path, text: str, *more: str) -> tuple[int, str, str]:
    file = root.parent / "report.md"
    file.write_text(text, encoding="utf-8")
    return run_cli("write-report", "--logs-dir", str(root), "--content", f"@{file}", *more)


def test_a_chinese_draft_is_filled_and_saved(run_cli, copy_of) -> None:
    """Headings as in the seed, measured parts as they are, marks with Chinese inside."""
    root = copy_of(S1)
    text = drafted(run_cli, root, "--language", "zh")
    for heading in (
        "# MassGen 日志分析报告",
        "## 执行摘要",
        "## 会话概述",
        "### 阶段时长分布",
        "## 5. Agent行为分析",
        "## 附录",
    ):
        assert f"\n{heading}\n" in text
    assert '"agent1 ran code to verify the sum, so its evidence is stronger than a bare formula."' in text
    assert "|agent_a|112639|956|12|$0.017277|" in text
    marks = MARK.findall(text)
    assert marks
    assert all(re.search("[\u4e00-\u9fff]", mark) for mark in marks)
    code, _, err = save(run_cli, root, text)
    assert code
    assert "marked place not filled" in err
    code, _, err = save(run_cli, root, MARK.sub("无。", text))
    assert code == 0, err
    saved = next(root.rglob("ANALYSIS_REPORT.md")).read_text(encoding="utf-8")
    assert saved.startswith("# MassGen 日志分析报告\n")


def test_a_missing_chinese_section_is_named(run_cli, copy_of) -> None:
    """In Chinese."""
    root = copy_of(S1)
    text = MARK.sub("无。", drafted(run_cli, root, "--language", "zh"))
    code, _, err = save(run_cli, root, text.replace("### 投票分析\n", "").replace("## 附录\n", ""))
    assert code
    assert '"### 投票分析" in "5. Agent行为分析"' in err
    assert '"## 附录"' in err
    assert not list(root.rglob("ANALYSIS_REPORT*"))


def test_an_unknown_language_is_refused(run_cli, corpus: Path) -> None:
    """With those that exist."""
    code, _, err = run_cli("draft-report", "--logs-dir", str(corpus / S1), "--language", "fr")
    assert code
    assert "en, zh" in err


def test_the_title_decides() -> None:
    """Not the words of the report."""
    assert language_of("# MassGen Log Analysis Report\n\n答案") == "en"
    assert language_of("intro\n# MassGen 日志分析报告\n") == "zh"
    assert language_of("") == "en"


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_every_told_sentence_has_its_chinese(sample: Sample) -> None:
    """Sentences of analyses, whose measured parts are filled in already; what servers wrote stays as it is."""
    m, zh = material_of(sample), Say("zh")
    texts = [text for text in m.errors.not_shown if not text.startswith("mcp_")]
    texts += [*m.times.not_measurable, *(phase.ended_with for phase in m.times.wall_phases)]
    texts += [quote.when for one in m.behaviour for quote in one.quotes]
    assert texts
    assert [text for text in texts if zh.told(text) == text] == []


@pytest.mark.parametrize("module", [agents, closing, diagram, draft, issues, material, opening, quality, work])
def test_every_fixed_sentence_has_its_chinese(module) -> None:
    """Each literal that a draft hands to say() is in the catalogue, with the same places for measured parts."""
    tree = ast.parse(Path(module.__file__).read_text())
    own = {"say", "judge", "header", "heading"}
    texts = [
        part.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and (getattr(call.func, "id", "") == "say" or getattr(call.func, "attr", "") in own)  # say(...), m.say(...)
        for arg in call.args
        for part in ([arg.body, arg.orelse] if isinstance(arg, ast.IfExp) else [arg])
        if isinstance(part, ast.Constant)
    ]
    assert texts or module in {draft, material}
    zh, en = Say("zh"), Say("en")
    same = {"Agent"}
    assert [text for text in texts if zh(text) == text and text not in same] == []
    for text in texts:
        assert sorted(re.findall(r"\{\w+\}", zh(text))) == sorted(re.findall(r"\{\w+\}", en(text)))


def test_headings_are_those_of_the_seed() -> None:
    """A sample of them, copied from seed.txt by hand; no two of one section are the same."""
    say = Say("zh").heading
    seed = {
        "1. Correctness Analysis": "1. 正确性分析", "Slowest Command Patterns": "最慢的命令模式",
        "Vote vs New Answer Decisions": "投票 vs 新答案决策", "Timeouts/Incomplete Rounds": "超时/未完成轮次",
        "6. Cost & Token Analysis": "6. 成本与Token分析", "Low Priority / Future Improvements": "低优先级/未来改进",
        "9. Suggested Linear Issues": "9. 建议的Linear问题", "Configuration Used": "使用的配置",
    }  # fmt: skip
    assert {title: say(title) for title in seed} == seed
    assert language.plain("## 5. Agent 行为分析") == language.plain("5. Agent行为分析")
