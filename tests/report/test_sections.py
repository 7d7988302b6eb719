"""Where the answer to each standard question and each part of the template is in a draft, with facts known by hand."""

from __future__ import annotations

import re
from functools import cache

import pytest
from msgspec.structs import replace

from conftest import ALL_SAMPLES, CORPUS, SYNTHETIC_SAMPLES, Sample, material, material_of, sample_id
from massgen_logs.report.draft import draft, render
from massgen_logs.report.language import MARK, Say, canonical
from massgen_logs.report.material import gather
from massgen_logs.report.quality import QUALITY
from massgen_logs.report.structure import SECTIONS
from massgen_logs.run.load import load
from massgen_logs.text.mask import Masker
from massgen_logs.tree import resolve

S1, S2, S3, S6, S12, S13 = (
    "s1_clean_0.1.97", "s2_three_agents_0.1.55", "s3_enforcement_0.1.97", "s6_killed_0.1.97", "s12_claude_0.1.45",
    "s13b_large_agent_dead_0.1.97",
)  # fmt: skip
S5, S7, S16 = "s5b_orch_timeout_one_answer_0.1.97", "s7b_orch_restart_0.1.97", "s16_gemini_0.1.97"
LIVELOCK = "s1d_livelock_0.1.36"


@cache
def text(name: str, language: str = "en") -> str:
    """The draft of the last attempt of a sample."""
    root = next(s.root for s in ALL_SAMPLES if s.name == name)
    return draft(material(root, language=language))


@cache
def part(name: str, heading: str, language: str = "en") -> str:
    """What stands below a heading: "2 > Top Bottlenecks", "Session Overview", "5 > Agent Reasoning > agent_b"."""
    body = text(name, language)
    for level, title in enumerate(heading.split(" > "), 2):
        title = next((t for t, _ in SECTIONS if t.startswith(f"{title}.")), title)
        mark = "#" * level
        pattern = rf"^{mark} {re.escape(Say(language).heading(title))}\n(.*?)(?=^#{{2,{level}}} |\Z)"
        match = re.search(pattern, body, re.M | re.S)
        assert match, f"{heading}: no {title}"
        body = match[1]
    return body


# (question of the seed, sample, heading, facts of its SCENARIO.md or truth.json that must stand there)
QUESTIONS = [
    ("1. Did coordination complete successfully?", S6, "1 > Status", "- [ ] coordination completed — unfinished"),
    ("1. Did all agents submit answers?", S5, "1 > Status", "- [ ] all agents answered — no answer from agent_b"),
    ("1. Did voting occur correctly?", S1, "1 > Status", "- [x] voting completed — 2 of 2 agents have a counted vote"),
    ("1. Was a winner selected ...", S1, "1 > Coordination Flow", " winner agent_a\n"),
    ("1. ... and did they provide a final answer?", S1, "1 > Status", "- [x] final answer delivered"),
    ("2. What was the total duration ...", S1, "Session Overview", "|Duration|28.2 s "),
    ("2. ... and breakdown by phase?", S1, "2 > Phase Duration Breakdown", r"\|voting\|12\.\d\|2\d\.\d\|1\d\.\d\|\d+\.\d\|agent_a\|vote for agent_a\|"),
    ("2. What were the slowest operations?", S13, "2 > Top Bottlenecks", r"1\. agent_b mcp__command_line__execute_command: find /usr/lib .* - 8\.7 s \(13% of the run\)"),
    ("2. Which tools took the most time?", S13, "6 > Tool Cost Impact", r"^\|Tool.*\n.*\n\|mcp__command_line__execute_command\|180\|"),
    ("3. Were there frequently repeated commands that could be avoided?", S1, "3 > Frequently Repeated Commands",
     r"\|npm install\|5\|2 after a restart, by 2 agents\|install once"),
    ("3. What commands produced unnecessarily long output?", S1, "3 > Commands with Excessive Output", r"\|openskills read pptx\|27744 chars\|read 2 times\|"),
    ("3. What were the slowest execute_command patterns?", S13, "3 > Slowest Command Patterns", r"\|sleep 6; echo slept\|6\.0\|6\.0\|"),
    ("4. Was expensive work unnecessarily redone?", S1, "4 > Duplicated Work Found", r"\|skill\|1\|"),
    ("4. Did both agents generate similar/identical assets?", S1, "4 > Specific Examples", r'install "npm install": again 5 times \(4 by the same agent, 1 by others\)'),
    ("4. Were assets regenerated after restarts?", S1, "4 > Duplicated Work Found", "3 after a restart"),
    ("4. Could caching or sharing have saved time/cost?", S1, "4 > Duplicated Work Found", r"\|install\|5\|2\.\d\|unknown\|"),
    ("5. How did agents evaluate previous answers?", S1, "5 > Voting Analysis", "It verified the result by running python"),
    ("5. How did agents decide between voting vs providing a new answer?", S3, "5 > Vote vs New Answer Decisions",
     r"- agent_a: answer agent1\.1 .* → answer agent1\.2 .* → vote for agent_a"),
    ("5. Did agents genuinely build upon each other's work?", S1, "5 > Agent Collaboration Quality",
     "- agent_b: had in its contexts agent2.1; 1 updates injected; 0 answers after its first"),
    ("5. Were there timeouts or incomplete rounds?", S5, "5 > Timeouts/Incomplete Rounds", "- agent_b: "),
    ("6. Total cost and breakdown by agent", S1, "6 > Cost Breakdown", "|agent_b|36829|422|0|$0.095013|"),
    ("6. Token usage (input, output, reasoning, cached)", S1, "6 > Cost Breakdown", "|**Total**|149468|1378|12|$0.11229|"),
    ("6. Cache hit rate", S1, "6 > Cache Efficiency", r"3584 \(2\.4% cache hit rate\)"),
    ("7. Any exceptions ...", S12, "7 > Exceptions", r"Error code: 500 .*\|api_error\|1\|agent_b\|\+11\.7 s\|.*enforcement_attempts\[0\]"),
    ("7. ... or failures?", S1, "7 > Failed Tool Calls", r'"npm test": “exit 1: npm error .*\|failed_command\|1\|agent_a\|\+\d+\.\d s\|success\|events\.jsonl:60 \+1\|'),
    ("7. Any timeouts?", S5, "7 > Timeouts", r"orchestrator: .*\|timeout\|1\|"),
    ("7. Any agent errors?", S13, "7 > Agent Errors", r'"Invalid agent_id after 3 attempts"\|agent_error\|1\|agent_a\|\+35\.8 s\|'),
    ("8. Strategy", S1, "5 > Agent Reasoning > agent_a", "Strategy: `ls -R` → `npm install` → `openskills read` → `npm install` → `ls -R` → `python3 -c` → **answer agent1.1**"),
    ("8. Tool responses", S13, "5 > Agent Reasoning > agent_c", r"`python3 gen_report\.py` failed 22 times \(22 in a row\): then again x21"),
    ("8. Error recovery", S1, "5 > Agent Reasoning > agent_a", "`npm test` failed once: then `vote for agent_a`"),
    ("8. Decision quality", S1, "5 > Agent Reasoning > agent_a", "vote for agent_a: 3 calls, 1 checks (1 failed), last `npm test` ✗"),
    ("8. Cross-agent comparison", S1, "5 > Agent Reasoning", r"\|agent_a\|9\|1\|0\|1\|1\|1\|"),
    ("8. Extract key evidence", S1, "5 > Agent Reasoning > agent_a", "reasoning at the start: I should check what files exist."),
    ("9. Consistency - same input, same output?", S13, "7 > Tool Reliability", r'"python3 gen_report\.py --seed 7", 23 runs: exit 0, .* x22; exit 2, .* x1'),
    ("9. False positives/negatives", S1, "7 > Tool Reliability", r"\|mcp__command_line__execute_command\|12\|1\|1\|0\|"),
    ("9. Root cause hypotheses", S1, "7 > Tool Reliability", r"\[\[JUDGE: .*root causes"),
    ("10. total_enforcement_retries", S3, "7 > Enforcement", r"agent_c: no_tool_calls 2, 2 retries, 44 characters lost"),
    ("10. retries that are no event", S2, "7 > Enforcement", r"zeta: fairness_terminal_wait 2, 2 retries, 196 .*; 1 more refused votes are only a text"),
    ("10. unknown_tools", S3, "7 > Enforcement", "unknown tools: frobnicate"),
    ("10. by_round", S3, "7 > Enforcement", r"agent_a: .*by round: 0: .*; 1: invalid_vote_id 1"),
    ("10. Red flags", S13, "1 > Issues Found", "agent_a lost 7881 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "sample", "heading", "fact"), QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_a_standard_question_has_its_answer_at(question: str, sample: str, heading: str, fact: str) -> None:
    """Each question of the seed: the section that answers it, and a fact that is known by hand."""
    body = part(sample, heading)
    assert fact in body or re.search(fact, body, re.M), f"{question}\n{body}"


# (heading of the template, sample, what must stand there)
TEMPLATE = [
    ("Executive Summary", S1, MARK),
    ("Session Overview", S1, "|Winner|agent_a|"),
    ("1 > Coordination Flow", S1, "```mermaid\nsequenceDiagram\n"),
    ("1 > Status", S1, "- [x] winner selected"),
    ("1 > Issues Found", S1, "- medium failure_before_end (MAST FM-3.2): agent_a voted for agent_a right after `npm test` had failed"),
    ("2 > Phase Duration Breakdown", S1, "|initial_answer|2|"),
    ("2 > Top Bottlenecks", S1, "1. agent_a mcp__command_line__execute_command: npm install"),
    ("3 > Frequently Repeated Commands", S1, "12 ran, 6 distinct, 1 failed, 0 tool calls denied."),
    ("3 > Commands with Excessive Output", S1, "|openskills read pptx|"),
    ("3 > Slowest Command Patterns", S1, "|npm install|0.4"),
    ("4 > Duplicated Work Found", S1, "|install|5|"),
    ("4 > Specific Examples", S1, '- skill "openskills read pptx": again 1 times'),
    ("4 > Recommendations", S1, MARK),
    ("5 > Answer Progression", S13, "|agent3.2|agent_c|"),
    ("5 > Voting Analysis", S1, "Tally: agent_a 2; for itself: agent_a."),
    ("5 > Vote vs New Answer Decisions", S1, "- agent_b: answer agent2.1 (+12.1 s, 2 calls) → vote for agent_a"),
    ("5 > Agent Collaboration Quality", S1, "- Did agents build upon previous work? [[JUDGE"),
    ("5 > Timeouts/Incomplete Rounds", S6, "- agent_a: its last start"),
    ("6 > Cost Breakdown", S1, "|agent_a|112639|956|12|$0.017277|"),
    ("6 > Cache Efficiency", S1, "Cached input tokens: 3584"),
    ("6 > Tool Cost Impact", S1, "|mcp__command_line__execute_command|12|"),
    ("7 > Exceptions", S12, "|api_error|1|agent_b|"),
    ("7 > Failed Tool Calls", S13, "Refused, never ran:"),
    ("7 > Agent Errors", S13, "|agent_error|1|agent_a|"),
    ("7 > Timeouts", S5, "|timeout|1|"),
    ("8 > High Priority", S1, MARK),
    ("8 > Medium Priority", S1, MARK),
    ("8 > Low Priority / Future Improvements", S1, MARK),
    ("9", S1, "|Medium|Failed tool calls are recorded as successes|"),
    ("Appendix > Configuration Used", S1, "- agent_a: backend chatcompletion, model gpt-4o-mini"),
    ("Appendix > Files Generated", S12, "- sum.txt (19 bytes)"),
]  # fmt: skip


@pytest.mark.parametrize(("heading", "sample", "fact"), TEMPLATE, ids=[row[0] for row in TEMPLATE])
def test_a_part_of_the_template_is_filled(heading: str, sample: str, fact: str) -> None:
    """Each heading of the seed's template."""
    assert fact in part(sample, heading)


def test_every_heading_of_the_template_has_its_row() -> None:
    """The table above leaves none out."""
    rows = {row[0].rsplit(" > ", 1)[-1] for row in TEMPLATE}
    assert {
        p for title, parts in SECTIONS for p in (parts or (title.partition(".")[0] if title[0].isdigit() else title,))
    } == rows


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_the_templates_headings_stay_in_their_order(sample: Sample) -> None:
    """Data quality first, then the seed's sections; in both languages."""
    for language in ("en", "zh"):
        say = Say(language)
        own = re.findall(r"^##+ .+$", draft(material_of(sample, language)), re.M)
        want = [QUALITY, *(h for title, parts in SECTIONS for h in (title, *parts))]
        names = [canonical(line) for line in own]
        places: list[int] = []
        for heading in want:
            start = places[-1] + 1 if places else 0
            places.append(names.index(canonical(say.heading(heading)), start))
        assert places[0] == 0


# --- data quality


@pytest.mark.parametrize(
    ("sample", "facts"),
    [
        (S1, ["|events.jsonl|85|0|", "**Missing:** none", "the model's own answering time is recorded by no version"]),
        (S2, ["start_up ends with the first recorded call or refused response", "HTTP errors that the API client retried with success leave no trace"]),
        (S6, ["**Missing:** what MassGen writes only at the end of a run (coordination_events.json", "every figure is a floor", "total cost: a floor (the run did not finish)",
              "duration and shares of it: counted to the last record of any file"]),
        (S7, ["recorded tokens and cost include attempt 1"]),
        (S16, ["4 x a response with an answer or a vote was added twice"]),
        (LIVELOCK, ["the recorded rounds hold 53149 of 119185 input tokens"]),
        ("s1_clean_0.1.12", ["- tokens and cost\n", "- how many votes were ignored\n", "12 of 12 calls are recorded without their agent"]),
        ("s17_codex_0.1.97", ["no cost recorded for agent_a, agent_b", "refused calls: one of these backends leaves no trace"]),
    ],
)  # fmt: skip
def test_data_quality_says_what_the_figures_rest_on(sample: str, facts: list[str]) -> None:
    """Files, what is missing, floors, doubled, unpriced and cumulative figures, what is not recorded."""
    body = part(sample, QUALITY)
    assert [fact for fact in facts if fact not in body] == []


def test_an_unreadable_line_is_named(copy_of) -> None:
    """Its file, line and count; the file stands first."""
    root = copy_of(S1)
    with next(root.rglob("events.jsonl")).open("a") as file:
        file.write("{broken\n")
    body = draft(material(root)).split("## Executive Summary")[0]
    assert "|-|-|-|\n|events.jsonl|86|1|\n" in body
    assert "**Unreadable:**\n- events.jsonl:86" in body


# --- what was told wrong before


@pytest.mark.parametrize(
    ("sample", "cell"),
    [
        (S7, "$0.039028 of this attempt alone (recorded $0.077705, including attempt 1)"),
        (S16, "$0.151359 (too high: tokens were added twice)"),
        (S6, "$0.039984 (a floor: the run did not finish)"),
        (S12, "$0.125898 (a floor: a part of agent_a, agent_b has no price)"),
        ("s17_codex_0.1.97", "unknown"),
        (S1, "$0.11229"),
    ],
)
def test_a_cost_that_is_known_to_be_wrong_is_qualified(sample: str, cell: str) -> None:
    """Cumulative, doubled, a floor; a clean one stands alone. s7b's own figures by truth.json: 0.077705 - 0.038677."""
    assert f"|Total Cost|{cell}|" in part(sample, "Session Overview")


def test_an_unfinished_run_has_a_least_duration() -> None:
    """As run_overview says it: s6 was killed 16.5 s after its start."""
    assert "|Duration|at least 16.5 s (no end is recorded)|" in part(S6, "Session Overview")


def test_unknown_restarts_are_not_zero() -> None:
    """None known: unknown; one of two known: a floor, with the other named unknown."""
    made = material(CORPUS / S1 / ".massgen" / "massgen_logs")
    made.run.agents["agent_b"].restarts = None
    assert "|Total Restarts|at least 2 (agent_a 2, agent_b unknown;" in draft(made)
    made.run.agents["agent_a"].restarts = None
    assert "|Total Restarts|unknown|" in draft(made)


def test_a_finding_and_a_flag_are_told_once() -> None:
    """s1: one failed call recorded as success; the red flag of the same thing is left out. s6: its floor is data quality's."""
    issues = part(S1, "1 > Issues Found")
    assert issues.count("false_success") == 1
    assert "- floor:" not in part(S6, "1 > Issues Found")


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_no_issue_is_told_twice(sample: Sample) -> None:
    """What stands between the rule's or flag's name and its evidence."""
    issues = draft(material_of(sample)).split("### Issues Found\n", 1)[1].split("\n## ", 1)[0]
    told = re.findall(r"^- (?:\w+ )?\w+(?: \(MAST [^)]+\))?: (.+?)(?: \[[^\]]+\])?$", issues, re.M)
    assert sorted(told) == sorted(set(told))


def test_no_judgement_is_asked_where_nothing_is_there() -> None:
    """s6: one command, no repeats, no failure, no enforcement."""
    for heading in (
        "4 > Specific Examples",
        "4 > Recommendations",
        "3 > Frequently Repeated Commands",
        "7 > Tool Reliability",
        "7 > Enforcement",
    ):
        assert MARK not in part(S6, heading), heading


def test_section_7_counts_as_find_errors_does() -> None:
    """s3_enforcement_0.1.12's truth: agents die in a loop; 40 and 38 errors are two rows with their counts."""
    made = material(CORPUS / "s3_enforcement_0.1.12" / ".massgen" / "massgen_logs")
    totals = made.errors.totals
    body = part("s3_enforcement_0.1.12", "7 > Agent Errors")
    assert sum(int(n) for n in re.findall(r"\|agent_error\|(\d+)\|", body)) == totals["agent_error"]


def test_hidden_failures_and_refusals_stand_apart() -> None:
    """s13b: agent_c's 22 commands behind a pipe (SCENARIO.md), and the one refused `rm -rf`."""
    whole = draft(replace(material(CORPUS / S13 / ".massgen" / "massgen_logs"), most=0))
    body = whole.split("### Failed Tool Calls")[1].split("### Agent Errors")[0]
    before, after = body.split("Refused, never ran:")
    assert "|denied|" not in before
    assert re.search(r'"rm -rf .*\|denied\|1\|agent_c\|', after)


# --- cuts


@pytest.mark.parametrize("sample", [s for s in ALL_SAMPLES if s.name == S13 or s in SYNTHETIC_SAMPLES], ids=sample_id)
def test_no_table_is_cut_in_silence(sample: Sample) -> None:
    """With one row a table every one that had more says how many, and where the rest is."""
    made = material_of(sample)
    few, every = (_tables(made, most) for most in (1, 9_999))
    cut = {heading for heading, rows in few.items() if rows < every[heading]}
    body = _rendered(made, 1)
    silent = [heading for heading in cut if "; the rest: " not in _below(body, heading)]
    assert silent == []


def _rendered(made, most: int) -> str:
    return render(replace(made, most=most), None)


def _tables(made, most: int) -> dict[str, int]:
    """Rows of tables and lists below each heading."""
    found: dict[str, int] = {}
    heading = ""
    for line in _rendered(made, most).split("\n"):
        if line.startswith("#"):
            heading = line
        found[heading] = found.get(heading, 0) + bool(re.match(r"\||- |\d+\. ", line))
    return found


def _below(body: str, heading: str) -> str:
    return re.split(r"^#+ .*$", body.split(heading + "\n", 1)[1], maxsplit=1, flags=re.M)[0]


def test_a_run_of_very_many_agents_stays_an_answer() -> None:
    """60 agents that all answered and voted: under the 40,000 characters of an answer, what was left out is told."""
    place = resolve(CORPUS / S1 / ".massgen" / "massgen_logs")
    run = load(place)
    for number in range(58):
        name = f"extra_{number}"
        run.agents[name] = replace(run.agents["agent_b"], id=name)
        run.answers.append(replace(run.answers[0], agent=name, label=f"agent{number + 3}.1"))
        run.votes.append(replace(run.votes[0], voter=name))
    whole = draft(gather(run, place, "en", Masker()))
    assert len(whole) < 38_000
    assert "The diagram shows 10 of 60 agents" in whole
    assert re.search(r"shown \d+ of 60; the rest: read_trace", whole)


def test_a_long_course_keeps_its_beginning_and_end() -> None:
    """s13b in few rows: starts and answers, votes, winner and final answer stay; the cut is told."""
    flow = part(S13, "1 > Coordination Flow").split("```")[0]
    assert "answer agent_a agent1.1" in flow
    assert flow.count(" vote ") == 3
    assert " winner agent_c\n" in flow
    assert "final_answer agent_c" in flow
