"""Disagreements between the files, and what a version or backend does not record: one Note each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from massgen_logs.attempt import Attempt
from massgen_logs.readers import context_txt, vote_json
from massgen_logs.run import versions
from massgen_logs.run.backends.dialect import Dialect, Excess
from massgen_logs.run.events import Digest
from massgen_logs.run.files import Files
from massgen_logs.run.model import ANY_AGENT, Run, Vote
from massgen_logs.run.old_logs import OldLogs

_TAIL_S = 5.0
"""Seconds by which the last line of a log may lie before the end of its run; under one in every sample."""


def add(
    run: Run, attempt: Attempt, files: Files, digest: Digest | None, old: OldLogs | None,
    dialect_of: Callable[[str], Dialect], doubled: list[Excess],
) -> None:  # fmt: skip
    """Add the notes to a Run whose facts are complete."""
    _ending(run, attempt, files)
    _votes(run, attempt, old)
    _usage(run, files, digest, doubled)
    _calls(run, files, digest, old)
    _injections(run, digest, dialect_of)
    src = "execution_metadata.yaml#config" if attempt.file("execution_metadata.yaml") else ""
    for agent in run.agents.values():
        dialect = dialect_of(agent.id)
        if not dialect.known:
            what = f"backend {agent.backend!r} is not known" if agent.backend else "no backend is recorded"
            run.note("unknown_backend", f"{agent.id}: {what}; read by the generic dialect", src)
    traced = any(attempt.file(*parts) for parts in _traces(attempt))
    for caveat in dict.fromkeys(c for agent in run.agents for c in dialect_of(agent).caveats):
        run.note(
            "backend", caveat.replace("{thinking}", "execution_trace.md only" if traced else "no file of this run")
        )


def _traces(attempt: Attempt) -> Iterator[tuple[str, str, str]]:
    """Where an execution_trace.md may lie."""
    for agent, stamps in attempt.agent_folders().items():
        yield "final", agent, "execution_trace.md"
        yield from ((agent, stamp, "execution_trace.md") for stamp in stamps)


def _ending(run: Run, attempt: Attempt, files: Files) -> None:
    status = files.status
    if run.version is None:
        run.note("version_unknown", f"no file names the MassGen version; the layout is that of {run.version_range}")
    elif attempt.file("execution_metadata.yaml") is None:
        run.note("metadata_elsewhere", "this attempt has no execution_metadata.yaml: version, backends and models are those of another "
                 "attempt of its session")  # fmt: skip
    if run.ending.state == "timed_out" and status.finish_reason == "in_progress":
        run.note(
            "status_stale",
            "status.json says in_progress for ever; the logs record the orchestrator timeout",
            run.ending.src,
        )
    elif run.ending.state == "failed" and status.finish_reason == "in_progress":
        run.note(
            "status_stale", "status.json was last saved before the run failed: its tokens, cost and refused responses are floors",
            run.ending.src,
        )  # fmt: skip
    if files.emptied and attempt.file("coordination_events.json"):
        run.note(
            "emptied_by_restart",
            "an orchestration restart emptied coordination_events.json and status.json of this attempt: winner, votes and "
            "times are taken from the other files",
            "coordination_events.json",
        )
    elif (
        run.winner
        and run.ending.state in {"finished", "timed_out"}
        and attempt.file("status.json")
        and not run.status_missing
        and status.winner is None
    ):
        run.note(
            "winner_null",
            f"status.json says winner null; {run.winner_src} shows that it is {run.winner}",
            run.winner_src,
        )
    if status.finish_reason == "error" and run.ending.state in {"unfinished", "in_progress"}:
        run.note("complete_too_early", "status.json says error and is_complete because one agent died; the run had not ended",
                 "status.json#finish_reason")  # fmt: skip
    if run.stored_answer is not None:
        cut = any(moment.kind == "presentation" for moment in run.moments)
        failed = (
            "the limit cut the presentation"
            if run.ending.state == "timed_out"
            else "the presentation failed or was empty"
        )
        why = failed if cut else "no presentation was made"
        run.note(
            "stored_final", f"the final answer is the stored answer {run.stored_answer} again: {why}", run.final_src
        )
    if run.presentation_cut:
        run.note(
            "presentation_cut",
            "the final answer is the part of its presentation that was there when it "
            + ("was cut" if run.ending.state != "finished" else "broke off: no round of it is recorded"),
            run.final_src,
        )
    if attempt.log_half:
        run.note(
            "split_turn",
            f"--continue put the logs of this run into {attempt.log_half.parent.name}; both halves are one run",
        )
    for moment in run.moments:
        if moment.kind == "orchestration_restart":
            run.note("orchestration_restart", f"after the presentation: {moment.detail}", moment.src)


def _votes(run: Run, attempt: Attempt, old: OldLogs | None) -> None:
    accepted = [vote for vote in run.votes if vote.accepted]
    voters, counted = len({vote.voter for vote in accepted}), sum(vote.counted for vote in accepted)
    back = voters - counted
    if len(accepted) > voters or back:
        taken = f", those of {back} were taken back by an answer that restarted them" if back else ""
        run.note("superseded", f"{len(accepted)} votes were accepted from {voters} voters: the last of each counts{taken}; "
                 "status.json results.votes counts all", "status.json#results.votes")  # fmt: skip
    if run.votes_ignored is None:
        run.note(
            "ignored_unknown",
            "how many votes were ignored is unknown: "
            + (
                "this version drops some without a record" if old is not None and old.read_log else "no file here tells"
            ),
            old.vote_src if old else "",
        )
    refused = sum(vote.refused for vote in run.votes)
    as_text = sum(vote.refused and not vote.src.startswith("status.json") for vote in run.votes)
    if refused:
        run.note(
            "refused",
            f"{refused} votes were refused by the fairness gate, neither accepted nor ignored: {refused - as_text} are enforcement "
            f"events of status.json, {as_text} only a text and a forced restart",
            next(vote.src for vote in run.votes if vote.refused),
        )
    for vote in run.votes_dropped:
        who = "an agent that can't be told" if vote.voter == ANY_AGENT else vote.voter
        run.note("dropped_vote", f"{who} voted again, for {vote.voted_for or '?'}, in an execution of which one vote or answer was "
                 f"taken already: it was dropped and MassGen never saw it", vote.src)  # fmt: skip
    for vote in accepted:
        if vote.meant:
            run.note("misattributed", f"the vote of {vote.voter} was recorded for {vote.voted_for}, but its words mean {vote.meant}",
                     vote.file or vote.src)  # fmt: skip
    _numbering(run, attempt, accepted)
    if run.winner and any(vote.ignored for vote in run.votes):
        read = context_txt.read(attempt.file("final", run.winner, "context.txt"))
        run.problems += read.named(f"final/{run.winner}/context.txt")
        final = read.value
        stated = sum(final.counted.values())
        if stated != counted and final.is_final:
            run.note("stated_votes", f"the final prompt counts {stated} votes (ignored ones included) where {counted} were accepted "
                     "and counted", f"final/{run.winner}/context.txt")  # fmt: skip


def _numbering(run: Run, attempt: Attempt, accepted: list[Vote]) -> None:
    """Labels and vote ids of one run can number the agents differently; most voters mean the recorded agent all the same."""
    for vote in accepted:
        file = vote_json.read(attempt.file(*vote.file.split("/"))).value if vote.file else None
        if file is None:
            continue
        for label, owner in file.labels.items():
            number = label.split(".")[0]
            other = file.mapping.get(number)
            if other is not None and other != owner:
                run.note(
                    "numbering",
                    f"labels and vote ids number the agents differently: {label} is {owner}'s answer, a vote for {number} is one "
                    f"for {other}; the targets told here are resolved by MassGen's own mapping",
                    f"{vote.file}#agent_mapping",
                )
                return


def _calls(run: Run, files: Files, digest: Digest | None, old: OldLogs | None) -> None:
    if not run.calls_recorded:
        run.note("no_calls", "no file that holds tool calls could be read: their numbers are unknown, not zero")
    recorded = 0 if run.cumulative_over or not run.calls_recorded else len(files.tools.tools)
    if recorded > len(run.calls):
        where = "events.jsonl" if digest is not None else "the logs"
        run.note("lost_events", f"metrics_events.json records {recorded} tool executions, {where} hold{'s' * (digest is not None)} "
                 f"{len(run.calls)}: what is counted from there is a floor", "metrics_events.json#tool_executions")  # fmt: skip
    elif told := _ends_early(run, files, digest, old):
        run.note("lost_events", told, told.split(" ", 1)[0])
    failed = [call for call in run.calls if call.outcome == "failed" and call.recorded_ok]
    if failed:
        run.note("false_success", f"{len(failed)} failed calls are a success for MassGen (its own count of failures: "
                 f"{'not recorded' if run.recorded_tool_failures is None else run.recorded_tool_failures})", failed[0].src)  # fmt: skip
    piped = [call for call in run.calls if call.hidden]
    if piped:
        run.note("hidden_by_pipe", f"{len(piped)} commands exited with 0 although stderr shows an error", piped[0].src)
    if (
        digest is None
        and run.attempt < run.attempts
        and any(call.src.startswith("agent_outputs") for call in run.calls)
    ):
        run.note("later_attempt", "MassGen's display goes on writing into the first attempt's agent_outputs after an orchestration "
                 "restart: calls and ignored votes of the next attempt may be counted here too", run.calls[0].src)  # fmt: skip
    if len(run.begun) > 1:
        run.note("begun_again", f"MassGen began the orchestration {len(run.begun) - 1} more times in this attempt's folder, not as an "
                 "attempt of its own: what it did then, requests to the models too, is in no figure here", run.begun[1])  # fmt: skip
    if any(call.agent == ANY_AGENT for call in run.calls):
        run.note("no_agent", 'no file here names the agent of a command: its agent is "*"', run.calls[0].src)
    redacted = [call for call in run.calls if call.command and "[REDACTED]" in call.command]
    if redacted:
        run.note("redacted", f"{len(redacted)} commands were redacted by MassGen itself: different ones may look equal, and "
                 "characters beside the secret may be lost", redacted[0].src)  # fmt: skip
    opened = [call for call in run.calls if call.outcome == "open"]
    if opened:
        run.note(
            "open_calls", f"{len(opened)} calls have no recorded result: whether they failed is unknown", opened[0].src
        )


def _ends_early(run: Run, files: Files, digest: Digest | None, old: OldLogs | None) -> str:
    """A log that ends before its run did has lost its last part, which no torn line need show; "" where it hasn't."""
    name, last = ("events.jsonl", digest.said.last) if digest else ("massgen.log", old.last if old else None)
    end = files.usable.end if files.usable else files.status.last_updated
    if run.ending.state not in {"finished", "timed_out"} or end is None or last is None or end - last <= _TAIL_S:
        return ""
    return f"{name} ends {end - last:.0f} s before the recorded end of the run: what is counted from it is a floor"


def _usage(run: Run, files: Files, digest: Digest | None, doubled: list[Excess]) -> None:
    if run.cumulative_over:
        run.note("cumulative", f"recorded tokens and cost include {run.cumulative_over}", "status.json#costs")
    for more in doubled:
        if more.unowned:
            run.note("doubled_usage", f"{len(more.unowned)} x {more.what} was added twice; whose it was can't be told, so only "
                     "the total is corrected by it", "massgen.log")  # fmt: skip
        if more.unknown:
            run.note("doubled_usage", f"{more.unknown} x {more.what} may have been added twice; whose it was can't be told, so "
                     "nothing is corrected by it", "massgen.log")  # fmt: skip
    used = [usage.corrected if run.cumulative_over else usage.recorded for usage in run.usage.values()]
    recorded = sum(usage.input_tokens or 0 for usage in used if usage is not None)
    in_rounds = sum(r.usage.input_tokens or 0 for r in run.rounds)
    ignored = any(vote.ignored for vote in run.votes)
    if ignored and run.rounds and in_rounds < 0.98 * recorded:
        run.note(
            "overwritten_rounds",
            f"the recorded rounds hold {in_rounds} of {recorded} input tokens ({100 * in_rounds / recorded:.0f}%): a round that "
            "ended in an ignored vote is overwritten by the next, so round tables lack their time, tokens and cost",
            run.rounds[0].src.rpartition("[")[0],
        )
    saved, evaluated = files.status.last_updated, digest.said.evaluated if digest else None
    if saved is not None and evaluated is not None and evaluated > saved:
        run.note("unrecorded_usage", "the evaluation of the final answer began after MassGen's last record of tokens: its tokens and cost are "
                 "in no figure", digest.said.evaluated_src if digest else "")  # fmt: skip
    unpriced = [agent for agent, usage in run.usage.items() if usage.unpriced]
    if unpriced:
        run.note(
            "unpriced",
            f"no cost is recorded for {', '.join(unpriced)}: "
            + (
                "there is no total"
                if len(unpriced) == len(run.usage) and not run.total_cost
                else "the total is a floor"
            ),
            f"status.json#agents.{unpriced[0]}.token_usage",
        )
    for agent, usage in run.usage.items():
        if usage.why and "massgen.log" in usage.why:
            run.note("doubled_usage", f"{agent}: {usage.why}", "massgen.log")
    floors = run.ending.state in {"unfinished", "in_progress"}
    if floors:
        run.note("floor", "the run did not end: every figure is a floor; a call that was still running counts as run, with its outcome unknown",
                 run.ending.src)  # fmt: skip
    if run.subagents and run.total_cost is not None:
        run.note("subagents", "the recorded total cost includes sub-agents, the recorded token totals do not",
                 "metrics_summary.json#totals")  # fmt: skip


def _injections(run: Run, digest: Digest | None, dialect_of: Callable[[str], Dialect]) -> None:
    """Injections that were recorded and never reached the model."""
    version = versions.parse(run.version)
    for agent in run.agents:
        own = [m for m in run.moments if m.kind == "injection" and m.agent == agent]
        native = [m for m in own if "(native)" in m.detail]
        until = dialect_of(agent).injections_lost_until
        if native and until and (version is None or version <= until):
            run.note("not_delivered", f"{len(native)} injection{'s' * (len(native) > 1)} into {agent} recorded; up to {'.'.join(map(str, until))} none of "
                     f"them reached a {dialect_of(agent).name} agent", native[0].src, agent)  # fmt: skip
        steered = digest.steered.get(agent, 0) if digest else 0
        if digest and dialect_of(agent).injections_resume and len(own) > steered:
            run.note(
                "not_delivered",
                f"{len(own)} injection{'s' * (len(own) > 1)} into {agent} recorded, {steered} reached it",
                own[0].src,
                agent,
            )
