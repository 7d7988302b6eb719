"""duplicated_work: the same or nearly the same work done again, by one agent, by several, or after a restart.

Calls are compared within their kind only. Exact work has one key after normalising (quiet flags of an install, the order
of a query string, white space); only media prompts, web searches, subagent tasks and calls of other tools are compared by
similarity, and then every number in them must be the same: another seed or another frame is other work.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from massgen_logs.analysis.work_kinds import MAX_CHARS, Work, changed_between, changes_of, work_of, written
from massgen_logs.run.model import ANY_AGENT, Call, Run

SIMILAR = 0.9
"""Least rapidfuzz ratio (0 to 1) of two normalised texts that count as nearly the same work."""
MAX_COMPARED = 200
"""Different texts of a kind (with the same numbers) that are compared by similarity; the others are compared exactly only."""
SMALL_S, SMALL_CHARS = 0.1, 500
"""Repeats of reads, writes, commands and other calls that wasted less than both are left out."""
CHEAP_S, CHEAP_CHARS = 1.0, 10_000
"""The same for listings, pwd, echo, date and their like."""
COSTLY = frozenset({"media", "media_analysis", "web_fetch", "web_search", "install", "skill", "subagent"})
"""Kinds whose repeats are listed whatever they took."""
KINDS = ("media", "media_analysis", "web_fetch", "web_search", "install", "skill", "subagent", "file_read", "file_write", "command", "other")  # fmt: skip


class Member(Struct):
    """One run of a group's work. t: seconds from the run's start; seconds: the command's own time where recorded, else MassGen's elapsed
    time, None for background calls without one; chars: written ones for a file_write, else output_chars.

    role: first (the first that didn't fail), repeat (after it: waste), retry (the same agent's last try failed or never
    ended), failed (failed before any success), recheck (the same agent changed files in between).
    """

    agent: str
    t: float | None
    round: int | None
    execution: int | None
    seconds: float | None
    output_chars: int | None
    chars: int | None
    outcome: str
    where: str
    role: str = ""


class Group(Struct):
    """One piece of work and all its runs in order of time. repeats = within_agent + across_agents, both None where the agent of a
    run isn't recorded; after_restart: of within_agent, in a later execution than the agent's first run, None where executions aren't recorded.

    wasted_s (seconds) and wasted_chars sum the repeats, None where none of them has it recorded; untimed: repeats without
    a time. match: exact, normalised or similar; similarity: the least one to the first text, 1.0 unless similar.
    """

    kind: str
    example: str
    match: str
    similarity: float
    members: list[Member]
    agents: list[str] = field(default_factory=list[str])
    repeats: int = 0
    within_agent: int | None = 0
    across_agents: int | None = 0
    after_restart: int | None = None
    retries: int = 0
    rechecks: int = 0
    succeeded: bool = False
    wasted_s: float | None = None
    untimed: int = 0
    wasted_chars: int | None = None


class Kind(Struct):
    """The sums of one kind, as the report's table has them. Units as in Group."""

    kind: str
    groups: int = 0
    repeats: int = 0
    wasted_s: float | None = None
    wasted_chars: int | None = None


class Duplication(Struct):
    """All duplicated work of a run, the most wasteful first (seconds, then characters).

    compared: executed calls that were compared (None where no file holds calls) and total_s their seconds; wasted_s sums
    calls, and parallel ones add up. rechecks: reruns after own changes of any work, also of what is in no group. retried: work that was only tried again after failures, no duplication. left_out:
    groups below the floors; not_compared: texts that were compared exactly only, by MAX_COMPARED or MAX_CHARS.
    """

    groups: list[Group]
    by_kind: list[Kind]
    compared: int | None
    total_s: float | None
    repeats: int | None
    wasted_s: float | None
    untimed: int
    wasted_chars: int | None
    within_agent: int | None
    across_agents: int | None
    after_restart: int | None
    retries: int | None
    rechecks: int | None
    retried: list[Group]
    left_out: int
    not_compared: int
    threshold: float = SIMILAR


class _Item(Struct):
    index: int
    call: Call
    work: Work
    ratio: float = 1.0


def duplicated_work(run: Run) -> Duplication:
    """Group the executed calls of `run` that did the same or nearly the same work."""
    calls = [call for call in run.calls if call.ran]
    if all(call.t is not None for call in calls):
        calls.sort(key=lambda call: call.t or 0.0)
    items = [_Item(i, call, work) for i, call in enumerate(calls) if (work := work_of(call)) is not None]
    sets, not_compared = _cluster(items)
    changes = changes_of(calls, {item.index: item.work.kind for item in items})
    groups: list[Group] = []
    retried: list[Group] = []
    left_out = rechecks = 0
    for same in sets:
        if len(same) < 2:
            continue
        group = _group(same, changes)
        rechecks += group.rechecks
        if group.repeats and _counts(group, same[0].work.cheap):
            groups.append(group)
        elif group.repeats:
            left_out += 1
        elif group.retries and not same[0].work.cheap:
            retried.append(group)
    groups.sort(key=_rank)
    retried.sort(key=lambda group: -group.retries)
    for member in (member for group in [*groups, *retried] for member in group.members):
        member.t = run.since_start(member.t)
    known = run.calls_recorded
    after = [group.after_restart for group in groups if group.after_restart is not None]
    return Duplication(
        groups,
        _by_kind(groups),
        len(items) if known else None,
        _sum(_took(item.call) for item in items),
        sum(group.repeats for group in groups) if known else None,
        _sum(group.wasted_s for group in groups),
        sum(group.untimed for group in groups),
        _total(group.wasted_chars for group in groups),
        _whole(group.within_agent for group in groups) if known else None,
        _whole(group.across_agents for group in groups) if known else None,
        sum(after) if known and (after or not groups) else None,
        sum(group.retries for group in [*groups, *retried]) if known else None,
        rechecks if known else None,
        retried,
        left_out,
        not_compared,
    )


def _rank(group: Group) -> tuple[float, int, int]:
    return (-(group.wasted_s or 0.0), -(group.wasted_chars or 0), group.members[0].output_chars or 0)


def _counts(group: Group, cheap: bool) -> bool:
    if group.kind in COSTLY:
        return True
    if group.wasted_s is None and group.wasted_chars is None:
        return not cheap  # unknown is not small
    least_s, least_chars = (CHEAP_S, CHEAP_CHARS) if cheap else (SMALL_S, SMALL_CHARS)
    return (group.wasted_s or 0.0) >= least_s or (group.wasted_chars or 0) >= least_chars


def _by_kind(groups: list[Group]) -> list[Kind]:
    rows: list[Kind] = []
    for name in KINDS:
        own = [group for group in groups if group.kind == name]
        if own:
            wasted = _sum(group.wasted_s for group in own)
            chars = _total(group.wasted_chars for group in own)
            rows.append(Kind(name, len(own), sum(group.repeats for group in own), wasted, chars))
    return rows


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 3) if known else None


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _whole(values: Iterable[int | None]) -> int | None:
    """The sum, None where a part of it is unknown."""
    found = list(values)
    return None if None in found else sum(value or 0 for value in found)


def _took(call: Call) -> float | None:
    if call.exec_s is not None:
        return call.exec_s
    return None if call.background else call.elapsed_s


def _bad(call: Call) -> bool:
    """It brought no result that is known to be one: failed, hid an error behind exit code 0, or never ended."""
    return call.outcome in {"failed", "open"} or call.hidden is not None


# ---- groups --------------------------------------------------------------------------------------------------------


def _cluster(items: list[_Item]) -> tuple[list[list[_Item]], int]:
    """Sets of the same work, and how many texts were too many or too long to be compared by similarity."""
    exact: dict[object, list[_Item]] = {}
    for item in items:
        exact.setdefault((item.work.kind, item.work.key), []).append(item)
    buckets: dict[object, list[list[_Item]]] = {}
    sets: list[list[_Item]] = []
    not_compared = 0
    for same in exact.values():
        work = same[0].work
        if work.text is None:
            sets.append(same)
        elif len(work.text) > MAX_CHARS:
            sets.append(same)
            not_compared += 1
        else:
            buckets.setdefault((work.kind, work.bucket), []).append(same)
    for parts in buckets.values():
        sets += _similar(parts[:MAX_COMPARED]) + parts[MAX_COMPARED:]
        not_compared += max(0, len(parts) - MAX_COMPARED)
    return [sorted(same, key=lambda item: item.index) for same in sets], not_compared


def _similar(parts: list[list[_Item]]) -> list[list[_Item]]:
    """Join what is similar to the first of a set; each part is in exactly one set."""
    if len(parts) < 2:
        return parts
    from rapidfuzz import fuzz  # here: most calls of the command line never need it

    leaders: list[tuple[str, list[_Item]]] = []
    for part in parts:
        text = part[0].work.text or ""
        best: tuple[float, list[_Item]] | None = None
        for other, joined in leaders:
            if 2 * min(len(text), len(other)) < SIMILAR * (len(text) + len(other)):
                continue  # the ratio can't reach the threshold
            ratio = fuzz.ratio(text, other, score_cutoff=SIMILAR * 100) / 100
            if ratio >= SIMILAR and (best is None or ratio > best[0]):
                best = (ratio, joined)
        if best is None:
            leaders.append((text, list(part)))
        else:
            for item in part:
                item.ratio = best[0]
            best[1].extend(part)
    return [joined for _, joined in leaders]


def _group(same: list[_Item], changes: dict[str, list[tuple[int, str | None, bool]]]) -> Group:
    work = same[0].work
    keys, raws = {repr(item.work.key) for item in same}, {item.work.raw for item in same}
    match = "similar" if len(keys) > 1 else "normalised" if len(raws) > 1 else "exact"
    ratio = round(min(item.ratio for item in same), 3)
    group = Group(work.kind, work.example, match, ratio, [_member(item) for item in same])
    previous: dict[str, _Item] = {}
    first_start: dict[str, int | None] = {}
    done = False
    for item, member in zip(same, group.members, strict=True):
        call, before = item.call, previous.get(item.call.agent)
        start = call.execution if call.execution is not None else call.round
        if before is not None and _bad(before.call):
            member.role, group.retries = "retry", group.retries + 1
        elif not done:
            member.role = "failed" if _bad(call) else "first"
        elif before is not None and changed_between(work, before.index, item.index, changes.get(call.agent, [])):
            member.role, group.rechecks = "recheck", group.rechecks + 1
        else:
            member.role = "repeat"
            _add(group, member, before is not None, first_start.get(call.agent), start)
        done = done or not _bad(call)
        previous[call.agent] = item
        first_start.setdefault(call.agent, start)
    group.agents = list(dict.fromkeys(member.agent for member in group.members))
    if ANY_AGENT in group.agents:
        group.within_agent = group.across_agents = None
    group.succeeded = done
    if group.after_restart is None and all(start is not None for start in first_start.values()):
        group.after_restart = 0
    return group


def _member(item: _Item) -> Member:
    call = item.call
    content = written(call.args) if item.work.kind == "file_write" else None
    took = _took(call)
    return Member(
        call.agent, call.t, call.round, call.execution, None if took is None else round(took, 3), call.output_chars,
        len(content) if content is not None else call.output_chars,
        "failed" if call.hidden is not None and call.outcome == "ok" else call.outcome, call.src,
    )  # fmt: skip


def _add(group: Group, member: Member, own: bool, first: int | None, start: int | None) -> None:
    group.repeats += 1
    group.within_agent = (group.within_agent or 0) + own
    group.across_agents = (group.across_agents or 0) + (not own)
    if own and first is not None and start is not None:
        group.after_restart = (group.after_restart or 0) + (start > first)
    if member.seconds is None:
        group.untimed += 1
    else:
        group.wasted_s = round((group.wasted_s or 0.0) + member.seconds, 3)
    if member.chars is not None:
        group.wasted_chars = (group.wasted_chars or 0) + member.chars
