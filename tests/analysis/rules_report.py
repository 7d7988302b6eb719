"""Precision and recall of every rule over the sample runs, written to docs/rules.md (`make rules-report`).

EXPECTED holds, per sample run, the rules that must fire: labelled by hand from what each SCENARIO.md, or the scenario in
tests/synthetic.py, says happened. A sample of several turns or attempts is named with them. A run that is missing here is
clean: nothing may be raised.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from conftest import ALL_SAMPLES, Sample, run_of, sample_id
from massgen_logs.analysis.findings import RULES, findings

TARGET = Path(__file__).parent.parent.parent / "docs" / "rules.md"

# agent_a: npm install three times, again after the restart with openskills; npm test fails, is a success, and it votes
_CLEAN = {"again_after_restart", "false_success", "failure_before_end", "repeated_command"}
# alpha votes for itself, 2:1; zeta and mid answer without a tool while alpha writes files
_THREE = {"own_vote_decided", "answered_without_tools"}
EXPECTED: dict[str, set[str]] = {
    # npm install x4, again after the restart once only; check.py --strict fails (a success) and agent_a submits
    "s11_openai_0.1.45": {"false_success", "repeated_command", "failure_before_end"},
    # the same agent_a; agent_b: an API error (two events) and a near-duplicate answer refused in round 1
    "s12_claude_0.1.45": {"false_success", "repeated_command", "failure_before_end", "retries"},
    # agent_a died of invalid votes, 7,881 characters lost; the workspaces were emptied at the answers: 22 failures and 22
    # behind pipes, 18 of agent_b's in a row; rm -rf refused; agent_b's second answer says nothing of agent_a's
    "s13b_large_agent_dead_0.1.97": {
        "agent_died", "retries", "content_lost", "stuck_on_failure", "again_after_restart", "false_success", "workspace_emptied",
        "hidden_by_pipe", "failure_before_end", "refused_work", "repeated_command", "ignored_input", "planted_orders",
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
    # 19 ignored votes of both, then the limit; npm install again by both agents; npm test fails before agent1.2
    "s1d_livelock_0.1.36": {"timed_out", "live_lock", "votes_lost", "again_after_restart", "false_success", "failure_before_end"},
    # ls /nosuchdir fails before agent_a submits, rm -rf is refused; agent_b answers first and runs a command later
    "s21_secrets_0.1.80": {"false_success", "failure_before_end", "refused_work"},
    "s2_three_agents_0.1.46": _THREE,
    # mid v2 "builds on agent1.2", which it has not seen, and has no word of the two that it has; two of zeta's votes ignored
    "s2_three_agents_0.1.70": _THREE | {"ignored_input", "votes_lost"},
    "s2_three_agents_0.1.97": _THREE | {"ignored_input", "votes_lost"},
    # the fairness gate refuses votes of zeta and of alpha for two thirds of the run; the limit falls into the presentation
    "s2_three_agents_0.1.55": _THREE | {"timed_out", "retries", "stored_final", "ignored_input", "votes_lost"},
    "s2d_three_agents_240s_0.1.61": _THREE | {"retries", "ignored_input", "votes_lost"},
    # agent_a 40 and agent_c 38 errors, after two refusals each
    "s3_enforcement_0.1.12": {"timed_out", "error_loop", "retries"},
    "s3_enforcement_0.1.55": {"agent_died", "duplicate_answer", "retries", "unknown_tools"},
    "s3_enforcement_0.1.97": {"agent_died", "duplicate_answer", "retries", "unknown_tools"},
    # the endpoint answers these requests only after the limit
    "s5a_orch_timeout_no_answers_0.1.97": {"timed_out", "stall"},
    "s5b_orch_timeout_one_answer_0.1.12": {"timed_out"},  # and its logs don't tell when text arrived
    "s5b_orch_timeout_one_answer_0.1.55": {"timed_out", "stall"},
    "s5b_orch_timeout_one_answer_0.1.97": {"timed_out", "stored_final", "stall"},
    # killed; agent_b answered without a tool, agent_a had run one
    "s6_killed_0.1.97": {"no_end", "answered_without_tools"},
    "s6_killed_0.1.97.snapshot_at_12s": {"no_end"},
    "s6_killed_0.1.97.snapshot_at_20s": {"no_end", "answered_without_tools"},
    # the presenter says "final by a", the winning answer is "a: 5050, with proof by induction."
    "s7b_orch_restart_0.1.97-t1a2": {"unrelated_final"},
    "s8f_checklist_valid_0.1.97": {"unrelated_final"},  # "final by a" again
    "s8h_subagent_ok_0.1.97": {"answered_without_tools"},  # agent_b; agent_a spawned the sub-agent
    # --- tests/synthetic.py
    # an invalid vote, then an API error without a call; three refused calls; agent_b runs nothing
    "claude_code_errors": {"retries", "refused_work", "answered_without_tools"},
    "claude_code_old": {"not_delivered", "false_success"},
    "gemini_old": {"false_success", "failure_before_end"},
    "codex_resume": {"retries", "not_delivered", "failure_before_end"},
    # in these five agent_b answers without a call; `make all` exits 2 for a success; `make check` exits 2 and agent_a submits
    "background_tools": {"answered_without_tools", "false_success"},
    "claude_retry": {"answered_without_tools"},
    "codex_killed": {"answered_without_tools", "failure_before_end"},
    "gemini_doubled": {"answered_without_tools"},
    "gemini_doubled_old": {"answered_without_tools"},
    "dead_agent": {"no_end", "agent_died", "retries", "false_success", "answered_without_tools"},
    "debug_commands": {"false_success"},
    "hook_denied": {"false_success", "refused_work"},
    "interactive-t1a1": {"answered_without_tools"},
    "interactive-t2a1": {"false_success", "failure_before_end", "answered_without_tools"},
    "killed_first": {"no_end", "false_success"},
    "killed_nov": {"no_end", "false_success"},
    "killed_livelock": {"no_end", "false_success"},
    "killed_jan": {"no_end", "false_success"},
    "misrecorded_votes": {"misrecorded_vote"},
    "mixed_clients": {"false_success", "failure_before_end"},
    "noisy_commands": {"false_success"},
    "single_agent": {"false_success", "failure_before_end"},
    "startup_failure": {"failed"},
    "timeout_in_presentation": {"timed_out", "stored_final"},
    "timeout_without_winner": {"timed_out", "stored_final", "stall"},  # zeta says nothing until the limit
    "unknown_backend": {"false_success", "failure_before_end"},
    "silent_subagent": {"silent_subagent", "answered_without_tools"},
    "pivot": {"pivot", "false_success"},
    "winner_against_votes": {"winner_not_top"},
}  # fmt: skip


def found_in(sample: Sample) -> set[str]:
    """The rules that fire on a sample run."""
    return {finding.rule for finding in findings(run_of(sample))}


def expected(sample: Sample) -> set[str]:
    """The rules that must fire on it."""
    return EXPECTED.get(sample_id(sample), EXPECTED.get(sample.name, set()))


def table() -> str:
    """The whole page."""
    found = [(found_in(sample), expected(sample)) for sample in ALL_SAMPLES]
    lines = [
        "# Rules",
        "",
        f"What each rule finds in {len(ALL_SAMPLES)} sample runs whose truth is known (real ones and small ones in MassGen's formats), by",
        "`make rules-report`; tests/analysis/test_findings.py checks their sentences and opens their evidence. MAST: failure taxonomy of multi-agent systems (Cemri et al. 2025).",
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
