"""What the server offers besides its tools: prompts, the completion of their arguments, resources."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference, ResourceTemplateReference

from conftest import CORPUS
from massgen_logs.mcp_server import make_server
from massgen_logs.report import prompts
from massgen_logs.report.check import problems
from massgen_logs.report.structure import SECTIONS
from massgen_logs.tools.registry import NAMES

CLEAN, TURNS = CORPUS / "s1_clean_0.1.97", CORPUS / "s7a_multiturn_0.1.97"
SESSION = "log_20261122_104800_969289"


served = cache(make_server)


def client(root: Path) -> Client:
    return Client(served(str(root)))


async def prompted(root: Path, name: str, **arguments: str) -> str:
    async with client(root) as one:
        messages = (await one.get_prompt(name, arguments)).messages
    assert [m.role for m in messages] == ["user"]
    return messages[0].content.text


async def completed(root: Path, prompt: str, argument: str, value: str, **given: str) -> list[str]:
    async with client(root) as one:
        reference = PromptReference(type="ref/prompt", name=prompt)
        found = await one.complete(reference, {"name": argument, "value": value}, given or None)
    return found.completion.values


async def test_prompts_and_their_arguments() -> None:
    """Three, each argument described, and only those required that have no default."""
    async with client(CLEAN) as one:
        listed = (await one.list_prompts()).prompts
    assert {p.name: [(a.name, a.required) for a in p.arguments] for p in listed} == {
        "analyze": [("log", False), ("turn", False)],
        "compare": [("logs", True)],
        "debug_agent": [("agent", True), ("log", False), ("turn", False)],
    }
    assert all(p.title and p.description and all(a.description for a in p.arguments) for p in listed)


async def test_analyze_names_the_run_the_skill_and_where_the_report_goes() -> None:
    """The latest log and its last turn by default; what it names is fixed, whatever run comes later."""
    text = await prompted(CLEAN, "analyze")
    assert "massgen-log-analyzer skill" in text
    assert f'log="{SESSION}", turn=1, logs_dir="{CLEAN / ".massgen" / "massgen_logs"}"' in text
    assert (
        f"{CLEAN / '.massgen' / 'massgen_logs' / SESSION / 'turn_1' / 'ANALYSIS_REPORT.md'} doesn't exist yet." in text
    )
    assert text == prompts.analyze(logs_dir=str(CLEAN))


async def test_analyze_takes_a_log_and_a_turn() -> None:
    """The session of two turns: the first one is asked for by number."""
    names = sorted(p.name for p in (TURNS / ".massgen" / "massgen_logs").glob("log_*"))
    text = await prompted(TURNS, "analyze", log=names[0], turn="1")
    assert f'log="{names[0]}", turn=1' in text


async def test_an_existing_report_is_not_overwritten_unasked(copy_of) -> None:
    """The order says so."""
    root = copy_of("s1_clean_0.1.97")
    (root / SESSION / "turn_1" / "ANALYSIS_REPORT.md").write_text("# A report\n")
    assert "exists already: ask before you overwrite it" in await prompted(root, "analyze")


async def test_the_other_prompts_name_tools_that_exist() -> None:
    """And hand over what they were given."""
    text = await prompted(CLEAN, "compare", logs=f"{SESSION}:1, latest")
    assert f'compare_runs(logs=["{SESSION}:1", "latest"]' in text
    debug = await prompted(CLEAN, "debug_agent", agent="agent_b")
    assert 'read_trace(agent="agent_b")' in debug
    whole = re.sub(r"\S*/\S*", "", await prompted(CLEAN, "analyze"))  # without its paths
    named = set(re.findall(r"[a-z]+(?:_[a-z]+)+", whole)) - {"logs_dir"}
    assert named >= {"run_overview", "draft_report", "read_trace", "write_report"}
    assert named <= set(NAMES)
    assert "run_overview" in debug


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("analyze", {"turn": "7"}, "has no turn 7; it has: 1"),
        ("analyze", {"turn": "one"}, "turn='one' is no number"),
        ("analyze", {"log": "log_1999"}, SESSION),
        ("analyze", {"logs": "x"}, "no argument logs; there are:"),
        ("debug_agent", {"agent": "agent_z"}, "there are: agent_a, agent_b"),
        ("compare", {"logs": SESSION}, "2 to 8 logs, not 1"),
    ],
)
async def test_a_prompt_says_what_exists_instead(name: str, arguments: dict[str, str], said: str) -> None:
    """A wrong argument is an error with the reason, never an order to analyse something else."""
    async with client(CLEAN) as one:
        with pytest.raises(MCPError, match=re.escape(said)):
            await one.get_prompt(name, arguments)


async def test_completion_of_logs_turns_and_agents() -> None:
    """By what is typed; turns and agents are those of the log that was chosen before."""
    names = sorted((p.name for p in (TURNS / ".massgen" / "massgen_logs").glob("log_*")), reverse=True)
    assert await completed(TURNS, "analyze", "log", "") == ["latest", *names]
    assert await completed(TURNS, "analyze", "log", names[-1][:-3]) == [names[-1]]
    assert await completed(TURNS, "analyze", "log", names[-1][4:]) == [names[-1]]
    assert await completed(TURNS, "compare", "logs", f"{names[0]}, log_") == [f"{names[0]}, {n}" for n in names[1:]]
    turns = sorted(p.name[5:] for p in (TURNS / ".massgen" / "massgen_logs" / names[-1]).glob("turn_*"))
    assert await completed(TURNS, "analyze", "turn", "", log=names[-1]) == turns
    assert await completed(CLEAN, "debug_agent", "agent", "agent_", log=SESSION) == ["agent_a", "agent_b"]
    assert await completed(CLEAN, "debug_agent", "agent", "agent_b") == ["agent_b"]
    assert await completed(CLEAN, "debug_agent", "agent", "", log="nothing") == []
    assert await completed(CLEAN, "analyze", "unknown", "") == []


async def test_the_template_has_every_heading_that_a_report_must_have() -> None:
    """The check of reports misses none in it."""
    async with client(CLEAN) as one:
        text = (await one.read_resource("massgen-logs://report-template")).contents[0].text
    assert not [
        problem for problem in problems(text, ground_truth=False) if "missing" in problem and "section" in problem
    ]
    assert text.count("\n### ") == sum(len(inner) for _, inner in SECTIONS)


async def test_existing_reports_are_listed_and_read_masked(copy_of) -> None:
    """A secret that somebody wrote into a report does not leave, and the template takes prefixes."""
    root = copy_of("s1_clean_0.1.97")
    async with client(root) as one:
        assert "report-template" in {r.name for r in (await one.list_resources()).resources}
        assert not [r for r in (await one.list_resources()).resources if "report/" in r.uri]
        key = "sk-ant-api03-" + "Ab1Cd2Ef3Gh4" * 7 + "-Ab1Cd2AA"
        (root / SESSION / "turn_1" / "ANALYSIS_REPORT.md").write_text(f"# A report\nkey {key}\n")
        listed = [r for r in (await one.list_resources()).resources if "report/" in r.uri]
        assert [r.uri for r in listed] == [f"massgen-logs://report/{SESSION}/1"]
        for uri in (listed[0].uri, "massgen-logs://report/latest/1", f"massgen-logs://report/{SESSION[:12]}/1"):
            text = (await one.read_resource(uri)).contents[0].text
            assert text.startswith("# A report\nkey [masked:")
            assert key[20:40] not in text
        reference = ResourceTemplateReference(type="ref/resource", uri="massgen-logs://report/{log}/{turn}")
        assert SESSION in (await one.complete(reference, {"name": "log", "value": "log_"})).completion.values


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"{SESSION}/1", "has no report. Next: draft_report"),
        (f"{SESSION}/9", "has no turn 9; it has: 1"),
        (f"{SESSION}/..", "Unknown resource"),
        (f"..%2F..%2Foutside%2F{SESSION}/1", "Unknown resource"),
        (f"%2Fetc%2F{SESSION}/1", "Unknown resource"),
        ("log_1999/1", SESSION),
        (f"{SESSION}/%D9%A1", "TURN a number"),
    ],
)
async def test_no_address_of_a_report_leads_elsewhere(address: str, said: str, copy_of, tmp_path: Path) -> None:
    """What is no report of a log below the root is an error that says what exists; links are not followed."""
    root = copy_of("s1_clean_0.1.97")
    shutil.copytree(root / SESSION, tmp_path / "outside" / SESSION, symlinks=True)
    (tmp_path / "outside" / SESSION / "turn_1" / "ANALYSIS_REPORT.md").write_text("outside\n")
    async with client(root) as one:
        with pytest.raises(MCPError, match=said):
            await one.read_resource(f"massgen-logs://report/{address}")


async def test_a_report_behind_a_link_is_neither_listed_nor_read(copy_of, tmp_path: Path) -> None:
    """As by every tool."""
    root = copy_of("s1_clean_0.1.97")
    (tmp_path / "outside.md").write_text("outside\n")
    (root / SESSION / "turn_1" / "ANALYSIS_REPORT.md").symlink_to(tmp_path / "outside.md")
    async with client(root) as one:
        assert not [r for r in (await one.list_resources()).resources if "report/" in r.uri]
        with pytest.raises(MCPError, match="has no report"):
            await one.read_resource(f"massgen-logs://report/{SESSION}/1")


async def test_without_any_log_only_the_fixed_resources_are_there(tmp_path: Path) -> None:
    """A list is no place for an error."""
    async with client(tmp_path) as one:
        assert {r.name for r in (await one.list_resources()).resources} <= {"report-template", "records-schema"}
