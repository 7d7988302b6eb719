"""Precision and recall of every rule over the sample runs, written to docs/rules.md (`make rules-report`).

EXPECTED holds, per sample run, the rules that must fire: labelled by hand from what each SCENARIO.md says happened.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from conftest import CORPUS_SAMPLES, Sample
from massgen_logs.analysis.findings import RULES, findings
from massgen_logs.run.load import load
from massgen_logs.tree import resolve

TARGET = Path(__file__).parent.parent.parent / "docs" / "rules.md"

# agent_a: npm install three times, again after the restart with openskills; npm test fails, is a success, and it votes
_CLEAN = {"again_after_restart", "false_success", "failure_before_end", "repeated_command"}
# alpha votes for itself, 2:1; zeta and mid answer without a tool while alpha writes files
_THREE = {"own_vote_decided", "answered_without_tools"}
EXPECTED: dict[str, set[str]] = {
    # npm install x4, again after the restart once only; check.py --strict fails (a success) and agent_a submits
    "s11_openai_0.1.45": {"false_success", "repeated_command", "failure_before_end"},
    # the same agent_a; agent_b: an API error (two events) and a near-duplicate answer refused in round 1
    "s12_claude_0.1.45": {"false_success", "repeated_command", "failure_before_end", "refused_responses"},
    # agent_a died of invalid votes, 7,881 characters lost; agent_b's script was gone: 21 failures in a row; rm -rf refused
    "s13b_large_agent_dead_0.1.97": {
        "agent_died", "refused_responses", "content_lost", "stuck_on_failure", "again_after_restart", "false_success",
        "hidden_by_pipe", "failure_before_end", "refused_work", "repeated_command", "planted_orders",
    },
    "s14_mixed_0.1.97": {"false_success"},  # primesieve is not there
    # npm install x4, npm test fails before the answer; rm refused; failures are recorded as such
    "s15_claude_code_0.1.97": {"failure_before_end", "refused_work", "repeated_command"},
    "s16_gemini_0.1.97": {"false_success", "failure_before_end", "repeated_command"},
    "s17_codex_0.1.97": {"failure_before_end", "repeated_command"},
    # npm test fails before agent_a submits; refused planning calls are successes
    "s18_planning_0.1.97": {"false_success", "failure_before_end"},
    # these versions name no agent with a command
    "s1_clean_0.1.0": {"false_success"},
    "s1_clean_0.1.12": {"false_success", "misrecorded_vote", "tie", "own_vote_decided"},
    "s1_clean_0.1.45": _CLEAN,
    "s1_clean_0.1.46": _CLEAN,
    "s1_clean_0.1.61": _CLEAN,
    "s1_clean_0.1.97": _CLEAN,
    "s9_logfire_0.1.97": _CLEAN,
    # 19 ignored votes, then the limit; npm install again by both agents; npm test fails before agent1.2
    "s1d_livelock_0.1.36": {"timed_out", "live_lock", "again_after_restart", "false_success", "failure_before_end"},
    # ls /nosuchdir fails before agent_a submits, rm -rf is refused; agent_b answers first and runs a command later
    "s21_secrets_0.1.80": {"false_success", "failure_before_end", "refused_work"},
    "s2_three_agents_0.1.46": _THREE,
    "s2_three_agents_0.1.70": _THREE,
    "s2_three_agents_0.1.97": _THREE,
    # the fairness gate refuses two votes of zeta and of alpha; the limit falls into the presentation
    "s2_three_agents_0.1.55": _THREE | {"timed_out", "refused_responses", "stored_final"},
    "s2d_three_agents_240s_0.1.61": _THREE | {"refused_responses"},
    "s3_enforcement_0.1.12": {"timed_out", "error_loop"},  # agent_a 40 and agent_c 38 errors
    "s3_enforcement_0.1.55": {"agent_died", "duplicate_answer", "refused_responses", "unknown_tools"},
    "s3_enforcement_0.1.97": {"agent_died", "duplicate_answer", "refused_responses", "unknown_tools"},
    "s5a_orch_timeout_no_answers_0.1.97": {"timed_out"},
    "s5b_orch_timeout_one_answer_0.1.12": {"timed_out"},
    "s5b_orch_timeout_one_answer_0.1.55": {"timed_out"},
    "s5b_orch_timeout_one_answer_0.1.97": {"timed_out", "stored_final"},
    # killed; agent_b answered without a tool, agent_a had run one
    "s6_killed_0.1.97": {"no_end", "answered_without_tools"},
    "s6_killed_0.1.97.snapshot_at_12s": {"no_end"},
    "s6_killed_0.1.97.snapshot_at_20s": {"no_end", "answered_without_tools"},
    "s8h_subagent_ok_0.1.97": {"answered_without_tools"},  # agent_b; agent_a spawned the sub-agent
}  # fmt: skip


def found_in(sample: Sample) -> set[str]:
    """The rules that fire on a sample run."""
    truth = sample.truth
    run = load(resolve(sample.root, truth["session"], truth["turn"], truth["attempt"]))
    return {finding.rule for finding in findings(run)}


def table() -> str:
    """The whole page."""
    found = [(found_in(sample), EXPECTED.get(sample.name, set())) for sample in CORPUS_SAMPLES]
    lines = [
        "# Rules",
        "",
        f"What each rule finds in {len(CORPUS_SAMPLES)} sample runs whose truth is known, by `make rules-report`. A dash: no sample",
        "run holds such a case. MAST: failure taxonomy of multi-agent systems (Cemri et al. 2025).",
        "",
        "| rule | severity | fires when | from | MAST | runs | precision | recall |",
        "|-|-|-|-|-|-|-|-|",
    ]
    for rule in RULES:
        hit = sum(rule.id in got and rule.id in want for got, want in found)
        got_all = sum(rule.id in got for got, _ in found)
        want_all = sum(rule.id in want for _, want in found)
        precision = f"{hit / got_all:.2f}" if got_all else "-"
        recall = f"{hit / want_all:.2f}" if want_all else "-"
        lines.append(
            f"| `{rule.id}` | {rule.severity} | {rule.threshold} | {rule.origin} | {rule.mast or '-'} | {want_all} | {precision} | {recall} |",
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(table())
    print(TARGET.read_text())
