"""Votes.

- Accepted votes are the vote_cast events of coordination_events.json; where that file is missing, torn or was emptied by an
  orchestration restart, the vote.json files, and the vote events of events.jsonl that none of these tells.
- The voter's last accepted vote counts, its earlier ones are superseded; status.json results.votes still counts all. One after
  which an answer restarted the voter is taken back, also if no later vote of it is accepted: it is superseded, too
  (from 0.1.39 on).
- Ignored votes are the vote_ignored events (all of them from 0.1.36 on), with the reason from the display text; without
  that file the display text, of a killed run also that of massgen.log; in 0.1.0 its "Vote invalid" lines too. 0.1.12
  drops some without a record: unknown (None), unless every vote call was recorded.
- A vote that the fairness gate refused is neither accepted nor ignored. One that the backend dropped (codex: any after the
  first of an execution) never reached MassGen; only massgen.log shows it.
- The target is the recorded one; whom the voter meant, where the tree proves another, is run/meaning.py's.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque

from msgspec.structs import replace

from massgen_logs.attempt import Attempt
from massgen_logs.readers import vote_json
from massgen_logs.readers.base import Problem, as_label, as_name, mapping, parse_json, text
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.readers.status_json import Status
from massgen_logs.readers.vote_json import VoteFile
from massgen_logs.run.backends.dialect import DroppedVote
from massgen_logs.run.clock import Clock
from massgen_logs.run.events import Digest
from massgen_logs.run.main_log import MainLog
from massgen_logs.run.model import ANY_AGENT, Execution, Moment, Vote
from massgen_logs.run.old_logs import OldLogs

_IGNORED_TARGET = re.compile(r"Voted for (.+?) but ignored")
_VOTE_CALL = re.compile(r"\[Tool Call: vote\((\{.*\})\)\]", re.S)
_CALL_S = 4.0
"""Seconds from a call of vote to what MassGen's fairness gate did with it: up to three in the samples, of a log with whole seconds."""
_NEAR_S = 0.001
"""Seconds within which two records are of the same moment."""
_CUT_VOTE_CALL = re.compile(r'\[Tool Call: vote\(\{"agent_id": ?"([^"\\]+)"')


def collect(
    attempt: Attempt,
    coordination: Coordination | None,
    digest: Digest | None,
    old: OldLogs | None,
    status: Status,
    version: tuple[int, ...] | None,
    problems: list[Problem],
    log: MainLog,
) -> list[Vote]:
    """All votes by time; `coordination` is None where the file is missing, torn or emptied."""
    files = _files(attempt, problems)
    votes = _accepted(coordination, digest, files)
    votes += _ignored(coordination, digest, old, version) + _refused(digest, status, _mapping(files, status), log)
    if digest is not None and coordination is None:
        votes += _logged(log, [vote for vote in votes if vote.ignored])
    return sorted(votes, key=lambda vote: vote.t if vote.t is not None else float("inf"))


def are_taken_back(digest: Digest | None, version: tuple[int, ...] | None) -> bool:
    """True from 0.1.39 on. Before, an answer let its voters vote again, and their earlier votes went on to count until they did: at a
    time-out, too."""
    return digest is not None or (version is not None and version >= (0, 1, 39))


def take_back(votes: list[Vote], executions: list[Execution], presented: float | None) -> list[Vote]:
    """The votes, those superseded after which their voter was started anew before the presentation."""
    starts: dict[str, list[float]] = defaultdict(list)
    for one in executions:
        if one.t is not None and (presented is None or one.t < presented - _NEAR_S):
            starts[one.agent].append(one.t)
    return [
        replace(vote, counted=False, superseded=True)
        if vote.counted and vote.t is not None and any(t > vote.t + _NEAR_S for t in starts[vote.voter])
        else vote
        for vote in votes
    ]


def count_ignored(
    votes: list[Vote], coordination: Coordination | None, digest: Digest | None, old: OldLogs | None, version: tuple[int, ...] | None,
) -> int | None:  # fmt: skip
    """How many votes were ignored; None where this version leaves no record of some of them, or the record is missing."""
    found = sum(vote.ignored for vote in votes)
    told = _events_tell_all(digest, version)
    if digest is not None or (told and (coordination is not None or (old is not None and old.read_text))):
        return found
    if old is None or not old.read_log:
        return None
    # 0.1.0 tells each ("Vote invalid"); later versions drop some without a word, unless every vote call was recorded
    return found if old.oldest or old.vote_calls <= old.votes_recorded + found else None


def dropped(
    found: list[DroppedVote], attempt: Attempt, status: Status, clock: Clock, after: float | None,
) -> list[Vote]:  # fmt: skip
    """Votes that only massgen.log shows; their targets resolved by the mapping of this run's votes."""
    ids = _mapping(_files(attempt, []), status)
    return [
        Vote.of_dropped(
            one.agent or ANY_AGENT, ids.get(one.target or "", one.target), one.reason, clock.of_day(one.seconds, after), one.src,
        )
        for one in found
    ]  # fmt: skip


def _mapping(files: dict[str, list[tuple[str, VoteFile]]], status: Status) -> dict[str, str]:
    """What the model wrote to the agent, as this run's accepted votes have it (the same for all: refusals end before it
    changes); without one by the sorted ids that every version with a fairness gate shows (0.1.39 on)."""
    by_sorted_ids = {f"agent{number}": agent for number, agent in enumerate(sorted(status.agents), 1)}
    return next((file.mapping for own in files.values() for _, file in own if file.mapping), by_sorted_ids)


def _files(attempt: Attempt, problems: list[Problem]) -> dict[str, list[tuple[str, VoteFile]]]:
    found: dict[str, list[tuple[str, VoteFile]]] = {}
    for agent, stamps in attempt.agent_folders().items():
        for stamp in stamps:
            path = attempt.file(agent, stamp, "vote.json")
            if path is None:
                continue
            read = vote_json.read(path)
            src = f"{agent}/{stamp}/vote.json"
            problems += read.named(src)
            if read.value:
                found.setdefault(read.value.voter, []).append((src, read.value))
    return found


def _accepted(
    coordination: Coordination | None, digest: Digest | None, files: dict[str, list[tuple[str, VoteFile]]],
) -> list[Vote]:  # fmt: skip
    votes: list[Vote] = []
    if coordination is not None:
        taken: dict[str, int] = defaultdict(int)
        for event in coordination.events:
            if event.type != "vote_cast" or not event.agent:
                continue
            own = files.get(event.agent, [])
            index = taken[event.agent]
            taken[event.agent] += 1
            file = own[index][1] if index < len(own) else None
            context = event.context
            label = as_label(context.get("voted_for_label")) or (file.label if file else None)
            votes.append(Vote.of_accepted(
                event.agent, as_name(context.get("voted_for")), label, text(context.get("reason")), event.round, event.t, event.src,
                own[index][0] if index < len(own) else None,
            ))  # fmt: skip
    else:
        left = list(digest.votes) if digest else []
        for src, file in (pair for own in files.values() for pair in own):
            twin = next(
                (one for one in left if one[1] == file.voter and one[2] == file.voted_for and _same(one[0], file.t)),
                None,
            )
            if twin is not None:
                left.remove(twin)
            round_ = twin[4] if twin else None
            votes.append(
                Vote.of_accepted(file.voter, file.voted_for, file.label, file.reason, round_, file.t, src, src)
            )
        votes += [
            Vote.of_accepted(voter, target, None, reason, round_, t, src)
            for t, voter, target, reason, round_, src in left
        ]
    votes.sort(key=lambda vote: vote.t if vote.t is not None else 0.0)
    last = {vote.voter: index for index, vote in enumerate(votes)}
    return [
        replace(vote, counted=last[vote.voter] == index, superseded=last[vote.voter] != index)
        for index, vote in enumerate(votes)
    ]


def _same(t: float | None, other: float | None) -> bool:
    """Whether two records may be of one vote: MassGen writes them within some hundredths of a second."""
    return t is None or other is None or abs(t - other) <= 1.0


def _ignored(
    coordination: Coordination | None, digest: Digest | None, old: OldLogs | None, version: tuple[int, ...] | None,
) -> list[Vote]:  # fmt: skip
    said: list[tuple[float | None, str, str | None, str | None, int | None, str]] = []
    if digest is not None:
        said = list(digest.ignored)
    elif old is not None:
        said = [(t, voter, target, reason, None, src) for t, voter, target, reason, src in old.ignored]
    invalid = [Vote.of_ignored(voter, None, None, None, t, src) for t, voter, src in old.invalid] if old else []
    events = [event for event in coordination.events if event.type == "vote_ignored"] if coordination else []
    if not events and not (coordination is not None and _events_tell_all(digest, version)):
        return invalid + [
            Vote.of_ignored(voter, target, reason, round_, t, src) for t, voter, target, reason, round_, src in said
        ]
    told: dict[tuple[str | None, str | None], deque[tuple[float | None, str | None]]] = defaultdict(deque)
    rows = [*said, *(digest.ignored_glued if digest else ())]
    for t, voter, target, reason, *_ in sorted(rows, key=lambda row: row[0] or 0.0):
        told[voter, target].append((t, reason))
    for event in events:
        match = _IGNORED_TARGET.search(event.details)
        target = match[1] if match else None
        # a text of another target is a model's, which may write what looks like MassGen's own line
        own = told[event.agent, target] or _at(told[ANY_AGENT, target], event.t)  # massgen.log names no voter
        reason = own.popleft()[1] if own else None
        invalid.append(Vote.of_ignored(event.agent or "?", target, reason, event.round, event.t, event.src))
    return invalid


def _at(told: deque[tuple[float | None, str | None]], t: float | None) -> deque[tuple[float | None, str | None]]:
    """What was told from this time on, if it begins there; what was told before is dropped."""
    while told and not _same(told[0][0], t) and (told[0][0] or 0.0) < (t or 0.0):
        told.popleft()
    return told if told and _same(told[0][0], t) else deque()


def _logged(log: MainLog, known: list[Vote]) -> list[Vote]:
    """Ignored votes whose texts events.jsonl lost with a killed process."""
    found: list[Vote] = []
    for one in log.ignored:
        twin = next((v for v in known if v.voted_for == one.target and (v.reason or "").startswith(one.reason)), None)
        if twin is not None:
            known.remove(twin)
        else:
            found.append(Vote.of_ignored(one.voter or ANY_AGENT, one.target, one.reason, None, one.t, one.src))
    return found


def _events_tell_all(digest: Digest | None, version: tuple[int, ...] | None) -> bool:
    """True from 0.1.36 on: every ignored vote is a vote_ignored event of coordination_events.json."""
    return digest is not None or (version is not None and version >= (0, 1, 36))


def _refused(digest: Digest | None, status: Status, ids: dict[str, str], log: MainLog) -> list[Vote]:
    """Votes that the fairness gate refused: two an execution are enforcement events, the third is only a text, whose words stand in
    massgen.log."""
    votes: list[Vote] = []
    for agent, entry in status.agents.items():
        for record in entry.enforcement:
            if record.is_fairness_gate:
                named, reason = _vote_call(record.buffer_preview or "")
                votes.append(
                    Vote.of_refused(agent, ids.get(named or "", named), reason, record.round, record.t, record.src)
                )
    for moment in digest.moments if digest else ():
        if moment.kind == "vote_refused" and moment.agent:
            said = _said(log, moment, [vote for vote in votes if vote.voter == moment.agent], ids)
            votes.append(Vote.of_refused(moment.agent, *said, None, moment.t, moment.src))
    return votes


def _said(log: MainLog, moment: Moment, before: list[Vote], ids: dict[str, str]) -> tuple[str | None, str | None]:
    """Target and reason of a refused vote that has no record: of the calls of vote in massgen.log just before, the one that repeats a
    refused vote of this voter, or the only one; another may be another agent's."""
    near = [
        one for one in log.voting if one.t is not None and moment.t is not None and -_CALL_S <= one.t - moment.t <= 0
    ]
    said = [(ids.get(one.target, one.target), one.reason) for one in near]
    again = [
        (vote.voted_for, vote.reason) for vote in before if (vote.voted_for, (vote.reason or "").split("\n")[0]) in said
    ]
    return again[-1] if again else said[0] if len(set(said)) == 1 else (None, None)


def _vote_call(preview: str) -> tuple[str | None, str | None]:
    """(agent_id, reason) of the vote call in a buffer's first 500 characters; of one that is cut, what stands before it."""
    try:
        args = mapping(parse_json(call[1] if (call := _VOTE_CALL.search(preview)) else ""))
    except ValueError:
        cut = _CUT_VOTE_CALL.search(preview)
        return cut[1] if cut else None, None
    return text(args.get("agent_id")), text(args.get("reason"))
