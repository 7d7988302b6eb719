"""How an agent worked: tool sequence, reactions, checks and quotes, against the scripts that the sample agents followed."""

from __future__ import annotations

import pytest

from conftest import CORPUS, made_run, material
from massgen_logs.analysis.behaviour import QUOTE, Behaviour, Step, behaviour
from massgen_logs.run.model import Answer, Call, Enforcement, Vote
from massgen_logs.run.trace import Item

CUT = "[words of MassGen's form cut]"


def of(name: str, agent: str) -> Behaviour:
    made = material(CORPUS / name / ".massgen" / "massgen_logs")
    return next(one for one in made.behaviour if one.agent == agent)


def words(one: Behaviour) -> list[str]:
    return [step.word + (f" {step.mark}" if step.mark else "") for step in one.steps for _ in range(step.count)]


def test_the_sequence_is_the_script_of_the_agent() -> None:
    """s1's script by hand: each call in order, `npm test` fails, answer and vote where they were made."""
    assert words(of("s1_clean_0.1.97", "agent_a")) == [
        "ls -R", "npm install", "openskills read", "npm install", "ls -R", "python3 -c", "answer agent1.1",
        "npm install", "openskills read", "npm test failed", "vote for agent_a",
    ]  # fmt: skip
    assert words(of("s1_clean_0.1.97", "agent_b")) == [
        "npm install", "ls -R && npm install", "answer agent2.1", "npm install", "vote for agent_a",
    ]  # fmt: skip


def test_equal_calls_in_a_row_are_one_step() -> None:
    """s15: npm install three times, then once more after writing a file."""
    steps = of("s15_claude_code_0.1.97", "agent_a").steps
    assert steps[1:4] == [
        Step("call", "npm install", "", 3), Step("call", "Write sum.py", ""), Step("call", "npm install", ""),
    ]  # fmt: skip


def test_failures_and_what_followed_them() -> None:
    """s13b: 22 silent failures in a row of agent_c before its second answer; agent_b's 18 after its answers; s15: a refusal."""
    c = of("s13b_large_agent_dead_0.1.97", "agent_c").reactions[0]
    assert (c.what, c.mark, c.failures, c.in_a_row) == ("python3 gen_report.py", "failed", 22, 22)
    assert c.then == {"again": 21, "answer agent3.2": 1}
    assert not c.recovered
    b = of("s13b_large_agent_dead_0.1.97", "agent_b").reactions[0]
    assert (b.what, b.failures) == ("python3 gen_report.py", 18)
    rows = [(r.what, r.mark, r.failures, r.then) for r in of("s15_claude_code_0.1.97", "agent_b").reactions]
    assert rows == [
        ("cat missing.txt; exit 3", "failed", 1, {"rm -f": 1}), ("rm -f", "refused", 1, {"answer agent2.1": 1}),
        ("Read nothing.txt", "failed", 1, {"vote for agent_a": 1}),
    ]  # fmt: skip


def test_what_was_run_before_each_decision() -> None:
    """s1: six calls without a check before the answer, three with one failed check (`npm test`) before the vote."""
    answer, vote = of("s1_clean_0.1.97", "agent_a").decisions
    assert (answer.what, answer.calls, answer.checks, answer.last) == ("answer agent1.1", 6, 0, "python3 -c")
    assert (vote.what, vote.calls, vote.checks, vote.failed_checks) == ("vote for agent_a", 3, 1, 1)
    assert (vote.last, vote.last_mark) == ("npm test", "failed")


def test_quotes_stand_beside_decisions_with_their_place() -> None:
    """s1's script: the only reasoning at the start; "Both answers agree; voting." after the failed test."""
    quotes = {q.when: q for q in of("s1_clean_0.1.97", "agent_a").quotes}
    assert (quotes["at the start"].text, quotes["at the start"].kind) == (
        "I should check what files exist.",
        "reasoning",
    )
    assert quotes["after npm test failed"].text == "Both answers agree; voting."
    assert quotes["after npm test failed"].where.startswith("events.jsonl:")
    assert quotes["after npm test failed"].round == 1


def test_calls_without_an_agent_are_unknown_not_none() -> None:
    """0.1.12 names no agent with its 12 calls (truth.json): they belong to "*", and nobody's words can be quoted."""
    a, everybody = of("s1_clean_0.1.12", "agent_a"), of("s1_clean_0.1.12", "*")
    assert (a.calls, a.failed, a.refused) == (None, None, None)
    assert [d.calls for d in a.decisions] == [None, None]
    assert (everybody.calls, everybody.failed) == (12, 1)
    assert everybody.quotes == []


def made(
    *items: Item, votes: list[Vote] | None = None, enforcement: dict[str, tuple[Enforcement, ...]] | None = None
) -> Behaviour:
    calls = [item.call for item in items if item.call is not None]
    run = made_run("a", started=0.0, votes=votes or [], calls=calls, enforcement=enforcement)
    return behaviour(run, "a", items, lambda text: text.replace("hunter2", "[masked]"))


def call(command: str, outcome: str = "ok") -> Item:
    return Item("call", None, 0, "", "f:1", "t", call=Call("a", "t", command, {}, "f:1", outcome=outcome))


def say(text: str, kind: str = "text") -> Item:
    return Item(kind, None, 0, text, "f:2")


def test_a_retry_that_succeeds_is_a_recovery() -> None:
    """Two failures in a row, then the same call succeeds."""
    row = made(call("make x", "failed"), call("make x", "failed"), call("make x")).reactions[0]
    assert (row.failures, row.in_a_row, row.then, row.recovered) == (2, 2, {"again": 2}, True)


def test_what_never_ran_was_not_refused() -> None:
    """Its server was not connected; a denied call was refused."""
    one = made(call("echo one", "not_run"), call("echo two", "denied"))
    assert [(step.word, step.mark) for step in one.steps] == [("echo one", "never ran"), ("echo two", "refused")]
    assert [(row.what, row.mark) for row in one.reactions] == [("echo one", "never ran"), ("echo two", "refused")]
    assert one.refused == 1


def test_the_end_after_a_failure_is_nothing() -> None:
    """No further call, answer or vote."""
    assert made(call("make x", "failed")).reactions[0].then == {"nothing": 1}


@pytest.mark.parametrize(
    ("command", "word"),
    [("cd src && make all", "make all"), ("python3 -c 'a; b && c'", "python3 -c"), ("a 1 x; b 2 && c 3", "a 1; b 2 && ..."), ("sleep 6; echo zu", "sleep 6; echo zu"), ("cd x && a\nb", "a; b"),
     ("", "(empty command)"), ("echo hunter2 more", "echo [masked]")],
)  # fmt: skip
def test_the_name_of_a_command(command: str, word: str) -> None:
    """Its first two words, of a chain those of two commands; secrets are masked first."""
    assert made(call(command)).steps[0].word == word


def test_massgens_lines_and_injections_are_nobodys_words() -> None:
    """Dropped from what is quoted, with a mark where they stood among the agent's."""
    trace = [
        say("📥 [INJECTION]\nIMPORTANT: agent_b answered"), say('Sure.\n```json\n{"tool_name": "vote"}\n```\n🔧 MCP: x'),
        Item("answer", 1.0, 0, "agent1.1: four", "f:3"),
    ]  # fmt: skip
    assert [(q.when, q.text) for q in made(*trace).quotes] == [("before answer agent1.1", f"Sure. {CUT}")]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Vote. 🔄 Vote for [a-1] ignored (reason: it is\nright) - restarting due to new answersVote.", f"Vote. {CUT} Vote."),
        ("I begin to❌ Error: peer closed connection\n❌ Retry (1/3): You must use workflow tools.Again.", f"I begin to {CUT} Again."),
        ("Early.⏳ Fairness gate: first observe agent1. Restarting with latest context.Vote.", f"Early. {CUT} Vote."),
        ("Hm. ⚠️ Unknown tool: fly (not registered)🔧 used fly tool (not implemented)So.", f"Hm. {CUT} So."),
        ("The log reads:\n❌ Retry (2/3): what the agent wrote\nitself", f"The log reads: {CUT} itself"),
        ("❌ Error: Connection error.\n❌ Retry (1/3): You must use workflow tools.❌ Agent failed to use workflow tools after 3 attempts", None),
        ("\n📋 Using stored answer as final presentation:\n\nfour\nfour\n", None),
    ],
)  # fmt: skip
def test_massgens_words_are_cut_out_of_the_agents(text: str, quoted: str | None) -> None:
    """They are glued to each other; what MassGen refused a response for tells where its words end."""
    refused = Enforcement(0, 1, 3, "no_tool_calls", (), "You must use workflow tools.", None, 0, 1.0, "status.json")
    quotes = made(say(text), enforcement={"a": (refused,)}).quotes
    assert [q.text for q in quotes] == [quoted] * (quoted is not None)


def test_the_longest_words_are_the_agents() -> None:
    """A cut does not make a piece longer."""
    trace = [
        say("Reading the file."),
        call("ls"),
        say("Vote. ❌ Error: no\nVote."),
        Item("vote", 2.0, 0, "for b: why", "f:9"),
    ]
    quotes = made(say("Go."), call("pwd"), *trace).quotes
    assert [(q.when, q.text) for q in quotes] == [("at the start", "Go."), ("before vote for b", "Reading the file.")]


def test_a_long_quote_is_cut_where_it_matters_least() -> None:
    """Before a decision its end stays, at the start its beginning; the number of cut characters is told."""
    text = "B" + "x" * 2 * QUOTE + "E"
    first, last = made(say(text), call("ls"), say(text), Item("answer", 1.0, 0, "agent1.1: four", "f:3")).quotes
    cut = len(text) - QUOTE
    assert first.text.startswith("Bx")
    assert first.text.endswith(f"[+{cut} characters]")
    assert last.text.startswith(f"[{cut} characters before]")
    assert last.text.endswith("xE")


def test_the_last_words_without_a_decision() -> None:
    """s6: agent_a was killed while it wrote in its second round, "Let me think about it for a long time"."""
    last = of("s6_killed_0.1.97", "agent_a").quotes[-1]
    assert (last.when, last.round) == ("at the end", 1)
    assert last.where.startswith("events.jsonl:")


def test_an_ignored_vote_is_told_as_such() -> None:
    """By the run's own record of that vote."""
    vote = Vote("a", "b", None, "why", False, True, False, False, False, 0, 2.0, "f:9")
    one = made(Item("vote", 2.0, 0, "for b: why", "f:9"), votes=[vote])
    assert [d.what for d in one.decisions] == ["vote for b (ignored)"]


def test_without_a_trace_the_run_tells_the_order() -> None:
    """Calls, answers and votes by time."""
    calls = [
        Call("a", "t", "ls", {}, "f:1", t=3.0, outcome="ok"),
        Call("a", "t", "pwd", {}, "f:0", t=1.0, outcome="ok"),
    ]
    run = made_run("a", calls=calls, answers=[Answer("agent1.1", "a", 2.0, 0, "x", "f:2")])
    assert words(behaviour(run, "a", [])) == ["pwd", "answer agent1.1", "ls"]
