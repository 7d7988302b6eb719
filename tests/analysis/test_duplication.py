"""Work done again, against what the scenarios say happened, and each rule on the smallest run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPUS, made_run
from massgen_logs.analysis.duplication import MAX_COMPARED, Duplication, duplicated_work
from massgen_logs.run.model import Call, Run
from massgen_logs.text.mask import Masker
from massgen_logs.tools.base import call as ask_tool
from massgen_logs.tools.duplicated_work import TOOL

SHELL = "mcp__command_line__execute_command"
READ = "mcp__filesystem__read_text_file"
WRITE = "mcp__filesystem__write_file"
IMAGE = "custom_tool__generate_media"
FETCH = "mcp__fetch__fetch"


def a_run(*calls: Call, recorded: bool = True) -> Run:
    for number, one in enumerate(calls):
        one.src = f"events.jsonl:{number + 1}"
        if one.t is None:
            one.t = 1000.0 + number
    return made_run(calls=list(calls), calls_recorded=recorded)


def a_call(tool: str, agent: str = "a", took: float | None = 2.0, out: int | None = 1000, **more: Any) -> Call:
    args = more.pop("args", {})
    return Call(
        agent, tool, None, args, "", elapsed_s=took, output_chars=out, outcome=more.pop("outcome", "ok"), **more
    )


def shell(command: str, agent: str = "a", took: float | None = 2.0, out: int | None = 1000, **more: Any) -> Call:
    made = a_call(SHELL, agent, None, out, args={"command": command}, **more)
    made.command, made.exec_s = command, took
    return made


def of(*calls: Call) -> Duplication:
    return duplicated_work(a_run(*calls))


def sample(name: str) -> dict[str, Any]:
    return ask_tool(TOOL, {"logs_dir": str(CORPUS / name)}).data


def repeats(found: Duplication) -> list[tuple[str, int]]:
    return [(group.kind, group.repeats) for group in found.groups]


# ---- what really happened ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["s1_clean_0.1.97", "s1_clean_0.1.46"])
def test_installs_and_skills_of_two_agents(name: str) -> None:
    """SCENARIO: npm install 3 x agent_a, 2 x agent_b and once inside agent_b's compound command; the skill twice by agent_a."""
    data = sample(name)
    assert [group["kind"] for group in data["groups"]] == ["install", "skill"]
    install, skill = data["groups"]
    assert len(install["members"]) == 6
    assert sorted(install["agents"]) == ["agent_a", "agent_b"]
    # the first of all by one agent; of the other five one is the other agent's first
    assert (install["repeats"], install["across_agents"], install["within_agent"]) == (5, 1, 4)
    assert install["after_restart"] == 2  # one by each agent in its vote phase
    assert install["match"] == "normalised"  # the compound command is other text
    assert 5 * 0.4 <= install["wasted_s"] < 5 * 0.5  # the fake npm sleeps 0.4 s
    assert (skill["repeats"], skill["within_agent"], skill["after_restart"]) == (1, 1, 1)
    assert 27_700 < skill["wasted_chars"] < 27_800  # the page that the fake skill prints


def test_large_run() -> None:
    """SCENARIO: seed 7 23 x agent_a, once failed after the restart; the find twice by agent_b, once by agent_c; 64 seeds
    and more are each other work; verify.py twice, failed both times; one generator written by all three agents."""
    data = sample("s13b_large_agent_dead_0.1.97")
    groups = {group["example"]: group for group in data["groups"]}
    seed = groups["python3 gen_report.py --seed 7"]
    assert (seed["repeats"], seed["within_agent"], seed["across_agents"], seed["after_restart"]) == (22, 22, 0, 1)
    assert [m["outcome"] for m in seed["members"]].count("failed") == 1
    assert seed["members"][-1]["outcome"] == "failed"
    find = data["groups"][0]  # most seconds first
    assert find["example"].startswith("find /usr/lib -type f")
    assert [m["agent"] for m in find["members"]] == ["agent_b", "agent_c", "agent_b"]
    assert (find["repeats"], find["within_agent"], find["across_agents"], find["after_restart"]) == (2, 1, 1, 0)
    assert find["wasted_s"] == round(sum(m["seconds"] for m in find["members"][1:]), 3)
    written = [group for group in data["groups"] if group["kind"] == "file_write"]
    assert [(g["repeats"], g["across_agents"]) for g in written] == [(2, 2)]
    assert len(data["groups"]) == 3
    assert [(g["example"], g["retries"], g["succeeded"]) for g in data["retried"]] == [
        ("python3 verify.py --strict", 1, False)
    ]


@pytest.mark.parametrize("name", ["s2_three_agents_0.1.97", "s2_three_agents_0.1.46", "s18_planning_0.1.97"])
def test_runs_without_duplication(name: str) -> None:
    """SCENARIO: three different files written; planning calls and two small computations."""
    data = sample(name)
    assert (data["groups"], data["retried"], data["repeats"], data["wasted_s"]) == ([], [], 0, None)


def test_answer_in_words() -> None:
    """It names the work, the places, the waste and the unknown cost, and stays short."""
    text = ask_tool(TOOL, {"logs_dir": str(CORPUS / "s13b_large_agent_dead_0.1.97")}).text()
    assert "python3 gen_report.py --seed 7|22|agent_a:23|22/0/1" in text
    assert "cost of a call is not recorded" in text
    assert "`python3 verify.py --strict` 2 tries (agent_a:2), never worked" in text
    assert "--seed 111" not in text
    assert len(text) < 7600


# ---- the rules -----------------------------------------------------------------------------------------------------


def test_media_prompts_that_differ_by_a_word_are_nearly_the_same() -> None:
    """One of 10 words; another subject, another number or another seed is other work."""
    fox = "A watercolor painting of a red fox sitting in deep snow"
    found = of(
        a_call(IMAGE, "a", 60.0, args={"prompt": fox, "mode": "image", "output_path": "x.png"}),
        a_call(IMAGE, "b", 50.0, args={"prompt": fox.replace("sitting", "standing"), "mode": "image"}),
        a_call(IMAGE, "b", 40.0, args={"prompt": "The skyline of a harbour city at night, photo", "mode": "image"}),
        a_call(IMAGE, "b", 30.0, args={"prompt": fox, "mode": "video"}),
        a_call(IMAGE, "b", 20.0, args={"prompt": fox, "mode": "image", "seed": 8}),
        a_call(IMAGE, "a", 10.0, args={"prompt": fox + ", frame 1 of 9", "mode": "image"}),
        a_call(IMAGE, "a", 10.0, args={"prompt": fox + ", frame 2 of 9", "mode": "image"}),
    )
    assert [(g.kind, g.match, [m.where for m in g.members]) for g in found.groups] == [
        ("media", "similar", ["events.jsonl:1", "events.jsonl:2"])
    ]
    assert 0.9 <= found.groups[0].similarity < 1
    assert (found.wasted_s, found.total_s, found.across_agents) == (50.0, 220.0, 1)


def test_a_media_prompt_to_another_file_is_the_same() -> None:
    """Where the picture goes is no part of the work."""
    prompts = [{"prompt": "a frog on a lily pad", "output_path": f"{name}.png"} for name in "xy"]
    found = of(*[a_call(IMAGE, args=args) for args in prompts])
    assert [(g.match, g.similarity, g.repeats) for g in found.groups] == [("normalised", 1.0, 1)]


def test_media_started_in_the_background() -> None:
    """The tool inside counts; the start's own time is not the work's."""
    args = {"tool_name": IMAGE, "arguments": {"prompt": "a frog on a lily pad"}}
    first = a_call("custom_tool__start_background_tool", "a", 0.1, args=args, background=True)
    again = a_call("custom_tool__start_background_tool", "b", 0.1, args=args, background=True)
    found = of(first, again)
    assert repeats(found) == [("media", 1)]
    assert (found.wasted_s, found.untimed) == (None, 1)


def test_a_page_fetched_by_tool_and_by_curl() -> None:
    """One page; another page, another query, a POST and the agent's own server are not."""
    found = of(
        a_call(FETCH, "a", 3.0, args={"url": "https://www.example.org/docs/?b=2&a=1#top"}),
        shell("curl -sL 'http://example.org/docs?a=1&b=2&utm_source=x' | head -50", "b", 4.0),
        a_call(FETCH, "a", args={"url": "https://example.org/docs?a=1&b=3"}),
        a_call(FETCH, "a", args={"url": "https://example.org/doc"}),
        shell("curl -X POST https://example.org/docs?a=1&b=2", "b"),
        shell("curl -s http://localhost:3000/", "b", 0.01, 20),
        shell("curl -s http://localhost:3000/", "b", 0.01, 20),
    )
    assert [(g.kind, g.match, len(g.members), g.wasted_s) for g in found.groups] == [
        ("web_fetch", "normalised", 2, 4.0)
    ]


def test_searches_that_differ_by_a_letter() -> None:
    """Similar queries are one piece of work; another year is another."""
    queries = ["best python web frameworks 2026", "best python web framework 2026", "best python web frameworks 2025"]
    found = of(*[a_call("WebSearch", args={"query": query}) for query in queries])
    assert [(g.kind, [m.where for m in g.members]) for g in found.groups] == [
        ("web_search", ["events.jsonl:1", "events.jsonl:2"])
    ]


def test_kinds_are_never_mixed() -> None:
    """The same words as a prompt, a query and a task are three things."""
    words = "compare the five best web frameworks for small teams"
    found = of(
        a_call(IMAGE, args={"prompt": words}),
        a_call("WebSearch", args={"query": words}),
        a_call("mcp__subagent_1__spawn_subagents", args={"tasks": [{"task": words, "subagent_id": "x"}]}),
    )
    assert found.groups == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("npm install", "cd web && npm i --silent 2>&1 | tail -3", True),
        ("pip install numpy pandas", "python3 -m pip install -q pandas numpy", True),
        ("sudo apt-get install -y jq", "apt install jq", True),
        ("pip install numpy", "pip install scipy", False),
        ("npm install", "npm install express", False),
        ("npm install", "echo 'npm install'", False),
        ("npm install", "cat > setup.sh <<'EOF'\nnpm install\nEOF", False),
    ],
)
def test_installs(one: str, other: str, same: bool) -> None:
    """By manager, verb and packages, wherever they stand in the line."""
    assert repeats(of(shell(one), shell(other, "b"))) == ([("install", 1)] if same else [])


def test_similar_commands_are_different_work() -> None:
    """A program's text that differs in one character is another program."""
    found = of(*[shell(f"python3 gen_report.py --seed {seed} --rows 200 | grep suspect") for seed in range(20, 60)])
    assert (found.groups, found.left_out) == ([], 0)
    scripts = [
        f"python3 - <<'E'\nimport statistics\nprint(statistics.{f}(open('data.txt')))\nE" for f in ("mean", "mode")
    ]
    assert of(*[shell(script) for script in scripts]).groups == []


def test_a_retry_is_no_duplication() -> None:
    """Failed, failed, worked: nothing wasted, two retries; the run after that is waste."""
    bad = {"outcome": "failed"}
    calls = [shell("make all", **bad), shell("make all", **bad), shell("make all"), shell("make all", took=3.0)]
    before = of(*calls[:3])
    assert (before.groups, before.repeats, before.retries) == ([], 0, 2)
    assert [(g.succeeded, [m.role for m in g.members]) for g in before.retried] == [
        (True, ["failed", "retry", "retry"])
    ]
    after = of(*calls)
    assert [(g.repeats, g.retries, g.wasted_s) for g in after.groups] == [(1, 2, 3.0)]
    assert after.retried == []


def test_a_hidden_failure_is_a_failure() -> None:
    """Exit code 0 with "can't open file" on stderr: the next one is a retry."""
    found = of(shell("make all", hidden="can't open file"), shell("make all"))
    assert (found.groups, found.retries) == ([], 1)


def test_denied_calls_are_no_work() -> None:
    """They never ran."""
    found = of(shell("make all"), shell("make all", outcome="denied"), shell("make all", outcome="not_run"))
    assert (found.groups, found.compared) == ([], 1)


def test_tests_run_again_after_a_change_are_no_waste() -> None:
    """An agent that edits and tests works; the one that tests without a change repeats, and others' edits aren't its own."""
    edit = a_call("Edit", args={"file_path": "/w/a.py", "old_string": "x", "new_string": "y"})
    found = of(shell("pytest"), edit, shell("pytest"), shell("pytest"), shell("sed -i s/a/b/ a.py"), shell("pytest"))
    assert [(g.repeats, g.rechecks) for g in found.groups] == [(1, 2)]
    other = a_call("Edit", "b", args=edit.args)
    assert repeats(of(shell("pytest"), other, shell("pytest"))) == [("command", 1)]
    assert repeats(of(shell("pytest"), shell("ls > /dev/null 2>&1"), shell("pytest"))) == [("command", 1)]


def test_reading_the_same_file() -> None:
    """Again is waste, after its own writing it isn't; a relative path is in the agent's own workspace."""
    read = [a_call(READ, args={"path": "/w/a.py"}) for _ in range(3)]
    write = a_call(WRITE, args={"path": "/w/a.py", "content": "x = 1"})
    elsewhere = a_call(WRITE, args={"path": "/w/b.py", "content": "y = 1"})
    found = of(read[0], elsewhere, read[1], write, read[2])
    assert [(g.kind, g.repeats, g.rechecks) for g in found.groups] == [("file_read", 1, 1)]
    assert of(shell("cat notes.md"), shell("cat notes.md", "b")).groups == []
    assert repeats(of(shell("cat /data/notes.md"), shell("cat /data/notes.md", "b"))) == [("file_read", 1)]
    assert of(a_call(READ, args={"path": "/w/a.py"}), a_call(READ, args={"path": "/w/a.py", "head": 5})).groups == []


def test_writing_the_same_content() -> None:
    """To whatever path; its characters are the waste. A changed character is other content."""
    text = "x" * 700
    paths = [{"path": f"/{agent}/f.txt", "content": text} for agent in "abc"]
    paths[2]["content"] += "y"
    found = of(*[a_call(WRITE, "b", 0.01, 100, args=args) for args in paths])
    assert [(g.kind, g.repeats, g.wasted_chars) for g in found.groups] == [("file_write", 1, 700)]


def test_cheap_calls_count_when_they_cost() -> None:
    """A listing twice is nothing; 11 times with a thousand characters each is ten thousand; protocol calls never count."""
    assert of(*[shell("ls -R", took=0.01) for _ in range(2)]).groups == []
    assert of(*[shell("pwd && ls", took=0.01) for _ in range(2)]).left_out == 1
    assert repeats(of(*[shell("ls -R", took=0.01) for _ in range(11)])) == [("command", 10)]
    assert repeats(of(*[shell("sleep 6; echo x", took=6.0) for _ in range(2)])) == [("command", 1)]
    plan = [a_call("mcp__planning_1a__update_task_status", out=9000, args={"task_id": "x"}) for _ in range(20)]
    votes = [a_call("vote", out=9000, args={"agent_id": "agent1"}) for _ in range(20)]
    assert of(*plan, *votes).compared == 0


def test_other_tools() -> None:
    """Long texts may differ a little, settings, numbers, paths and names may not."""
    sql = "select the names of all customers who ordered a bicycle last year"
    same = [{"q": sql, "db": "shop"}, {"q": sql.replace("the names", "all names"), "db": "shop"}]
    different = [
        {"q": sql, "db": "bank"},
        {"q": sql + " in /data/a", "db": "shop"},
        {"q": sql + " in /data/b", "db": "shop"},
    ]
    found = of(*[a_call("mcp__db__ask", args=args) for args in [*same, *different]])
    assert [(g.kind, g.match, [m.where for m in g.members]) for g in found.groups] == [
        ("other", "similar", ["events.jsonl:1", "events.jsonl:2"])
    ]


def test_unknown_is_not_zero() -> None:
    """No file with calls; calls without times, executions or sizes."""
    empty = duplicated_work(a_run(recorded=False))
    assert (empty.compared, empty.repeats, empty.wasted_s, empty.retries) == (None, None, None, None)
    found = of(*[shell("make all", took=None, out=None) for _ in range(2)])
    group = found.groups[0]
    assert (group.wasted_s, group.untimed, group.wasted_chars, group.after_restart) == (None, 1, None, None)
    assert (found.wasted_s, found.after_restart) == (None, None)


def test_the_same_agent_in_a_later_execution() -> None:
    """After a restart is counted per agent from its own first run."""
    calls = [shell("make all", agent, execution=n) for agent, n in [("a", 0), ("b", 2), ("a", 0), ("a", 1), ("b", 2)]]
    found = of(*calls)
    assert [(g.within_agent, g.across_agents, g.after_restart) for g in found.groups] == [(3, 1, 1)]


def test_the_cap_is_announced() -> None:
    """Texts beyond it are still compared exactly."""
    prompts = [f"{chr(97 + i % 26) * 30}{chr(97 + i // 26) * 30}" for i in range(MAX_COMPARED + 5)]
    found = of(*[a_call(IMAGE, args={"prompt": prompt}) for prompt in [*prompts, prompts[-1]]])
    assert found.not_compared == 5
    assert [m.where for m in found.groups[0].members] == [
        f"events.jsonl:{MAX_COMPARED + 5}",
        f"events.jsonl:{MAX_COMPARED + 6}",
    ]


def test_pages_of_many_groups() -> None:
    """60 targets made 100 times each: every group is on exactly one page, and each answer is short."""
    run = a_run(*[shell(f"make {'x' * 150} target{i % 60}", took=1.0) for i in range(6000)])
    seen: list[str] = []
    cursor = None
    while True:
        result = TOOL.function(run, cursor=cursor)
        text = "\n".join(TOOL.render(Masker().value(result.data)))
        assert len(text) < 7000
        assert text.count("|command|") == len(result.data.groups)
        seen += [group.example for group in result.data.groups]
        cursor = result.page.next_cursor if result.page else None
        if cursor is None:
            break
    assert sorted(seen) == sorted(f"make {'x' * 150} target{i}" for i in range(60))


def test_log_text_stays_in_its_cell() -> None:
    """A command with a pipe, a newline and a key."""
    command = "make |\n|evil| OPENAI_API_KEY=sk-test-4f9aC0ffeePlanted1234567890"
    text = "\n".join(TOOL.render(Masker().value(TOOL.function(a_run(shell(command), shell(command))).data)))
    assert "Planted" not in text
    assert "make \\| \\|evil\\| OPENAI_API_KEY=[masked" in text


# ---- any run -------------------------------------------------------------------------------------------------------

_COMMANDS = st.sampled_from(
    ["npm install", "npm i -q", "pytest", "ls", "cat /a", "curl http://x.org/", "sed -i s/a/b/ f", "make", "'"]
)
_TOOLS = st.sampled_from(
    [IMAGE, WRITE, READ, FETCH, "WebSearch", "vote", "mcp__db__ask", "Edit", "custom_tool__start_background_tool"]
)
_ARGS = st.dictionaries(
    st.sampled_from(["prompt", "path", "content", "url", "query", "tasks", "arguments", "tool_name", "text"]),
    st.one_of(
        st.sampled_from(["a red fox in the deep white snow", "a red fox in the deep white snows", "https://x.org", ""]),
        st.text(max_size=6), st.none(), st.lists(st.text(max_size=5), max_size=2), st.dictionaries(st.text(max_size=3), st.integers(), max_size=1),
    ),
    max_size=3,
)  # fmt: skip
_SECONDS = st.one_of(st.none(), st.floats(0, 100))


@st.composite
def some_calls(draw: st.DrawFn) -> Call:
    command = draw(st.one_of(st.none(), _COMMANDS))
    return Call(
        draw(st.sampled_from(["a", "b"])), SHELL if command else draw(_TOOLS), command, {} if command else draw(_ARGS), "",
        t=draw(st.one_of(st.none(), st.floats(0, 1000))), elapsed_s=draw(_SECONDS), exec_s=draw(_SECONDS),
        outcome=draw(st.sampled_from(["ok", "failed", "denied", "not_run", "open", "unknown"])),
        output_chars=draw(st.one_of(st.none(), st.integers(0, 50_000))), execution=draw(st.one_of(st.none(), st.integers(0, 3))),
        hidden=draw(st.one_of(st.none(), st.just("no such file"))), background=draw(st.booleans()),
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(some_calls(), max_size=25))
def test_any_run(calls: list[Call]) -> None:
    """Every call is in at most one group, the waste is part of the whole, and the parts sum to their totals."""
    found = duplicated_work(a_run(*calls))
    groups = [*found.groups, *found.retried]
    places = [member.where for group in groups for member in group.members]
    assert len(places) == len(set(places))
    ran = {call.src for call in calls if call.outcome not in {"denied", "not_run"}}
    assert set(places) <= ran
    assert (found.wasted_s or 0) <= (found.total_s or 0) + 0.05
    for group in found.groups:
        roles = [member.role for member in group.members]
        assert group.repeats == roles.count("repeat") == group.within_agent + group.across_agents
        assert (group.after_restart or 0) <= group.within_agent
        assert roles.index("repeat") > 0
        assert (group.wasted_s is None) == (group.untimed == group.repeats)
        assert len(group.members) == sum(
            roles.count(role) for role in ("first", "repeat", "retry", "failed", "recheck")
        )
    assert sum(kind.repeats for kind in found.by_kind) == found.repeats
    assert all(group.repeats == 0 and group.retries for group in found.retried)


def test_whose_work_it_was_is_unknown_without_agents(run_cli) -> None:
    """The calls of 0.1.12 name none: `npm install` ran five times, by two agents."""
    found = of(shell("npm install", "*"), shell("npm install", "*"))
    assert [(g.repeats, g.within_agent, g.across_agents) for g in found.groups] == [(1, None, None)]
    assert (found.repeats, found.within_agent, found.across_agents) == (1, None, None)
    place = ("--logs-dir", str(CORPUS / "s1_clean_0.1.12"))
    _, out, _ = run_cli("duplicated-work", *place)
    assert "6 of 12 compared calls repeated work: whose it was is not recorded" in out
    assert "|?/?/?|" in out
    _, out, _ = run_cli("draft-report", *place)
    assert "|npm install|5|5 runs, by which agents is not recorded|" in out
    assert "by one agent" not in out
    assert "again 5 times (unknown by the same agent, unknown by others)" in out
