"""Build the Run of one attempt from its files; each file is read at most once, and again only when it has changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from massgen_logs.attempt import Attempt
from massgen_logs.handles import file_status, kept_open
from massgen_logs.readers.base import Problem, Source
from massgen_logs.run import (
    answers,
    backend_logs,
    deaths,
    ending,
    events,
    executions,
    facts,
    main_log,
    meaning,
    notes,
    old_logs,
    planted,
    versions,
    votes,
    whole_seconds,
)
from massgen_logs.run.backends import choose
from massgen_logs.run.backends.dialect import Dialect
from massgen_logs.run.clock import Clock
from massgen_logs.run.events import Digest
from massgen_logs.run.files import Files, agent_order, read_files
from massgen_logs.run.model import Run
from massgen_logs.tree import Place

_CACHED = 8
_cache: OrderedDict[str, tuple[object, Run]] = OrderedDict()
_lock = Lock()


def load(place: Place, *, orders: bool = True) -> Run:
    """The Run of an attempt; unchanged files are not read again. orders: whether texts that give orders are wanted."""
    key = str(place.attempt.path)
    signature = place.attempt.signature()
    with _lock:
        if key in _cache and _cache[key][0] == signature and not (orders and _cache[key][1].planted is None):
            _cache.move_to_end(key)
            return _cache[key][1]
    with kept_open():
        run = build(place, orders=orders)
    if run.ending.state == "in_progress":
        return run  # true only for now: a killed run's files never change again
    with _lock:
        _cache[key] = (signature, run)
        _cache.move_to_end(key)
        while len(_cache) > _CACHED:
            _cache.popitem(last=False)
    return run


def build(place: Place, *, orders: bool = True) -> Run:
    """Read the files of an attempt and normalise them."""
    attempt = place.attempt
    files = read_files(place)
    sources, problems = files.sources, files.problems
    coordination, time = files.coordination, files.clock
    backends = {agent.id: agent for agent in files.metadata.agents}
    chosen: dict[str, Dialect] = {}

    def dialect_of(agent: str) -> Dialect:
        if agent not in chosen:
            chosen[agent] = choose(backends[agent].backend if agent in backends else None)
        return chosen[agent]

    places = planted.Places(orders)
    digest = _digest(attempt, time, dialect_of, sources, problems, places)
    log = main_log.read(attempt, time, sources, _wanted(digest, files))
    if digest is not None:
        facts.keep_confirmed(digest, files, log)
    order = agent_order(files, digest, attempt)
    old = None
    if digest is None:
        old = old_logs.read(
            attempt, order or list(attempt.agent_folders()), dialect_of, time, sources, problems, places,
            doubled=(versions.parse(files.metadata.version) or ()) >= (0, 1, 46) and not files.metadata.debug,
        )  # fmt: skip
        if len(order) == 1:
            old.belong_to(order[0])
        order = order or old.agents or list(attempt.agent_folders())
        began = files.headed.start if files.headed else None if files.emptied else files.status.start_time
        facts.times_from_metrics(old.calls, files.tools, began)
    how = ending.decide(attempt, files.status, coordination, files.failure, time)
    version = versions.parse(files.metadata.version)
    run = Run(
        place.session.name, place.turn.number, attempt.number, len(place.turn.attempts), str(attempt.path),
        files.metadata.version, None if files.metadata.version else versions.inferred_range(attempt),
        files.status.question or coordination.question or files.metadata.query or files.metrics.question, {}, how,
    )  # fmt: skip
    run.clock = time
    run.sources, run.problems, run.timeout_s = sources, problems, files.metadata.timeout_s
    run.logfire = files.metadata.logfire
    settings = files.metadata.orchestrator or {}
    run.config = {key: value for key, value in settings.items() if isinstance(value, str | int | float | bool)}
    run.answers = answers.collect(attempt, coordination, files.snapshots, digest, files.status, time, order, problems)
    cast = votes.collect(attempt, files.usable, digest, old, files.status, version, problems, log)
    injected = digest.injected_labels if digest else {}
    run.votes = meaning.with_meaning(cast, run.answers, attempt, injected, problems)
    run.votes_ignored = votes.count_ignored(
        run.votes, files.usable, digest, old, version,
    )  # fmt: skip
    if digest is not None:
        models = {agent.id: agent.model for agent in files.metadata.agents}
        spenders = backend_logs.spenders(order, {}, models, dialect_of)
        lost = backend_logs.dropped(attempt, spenders)
        run.votes_dropped = votes.dropped(lost, attempt, files.status, time, digest.said.first)
    run.calls = digest.calls if digest else old.calls if old else []
    facts.fill_times(run, files, digest, old)
    facts.add_refused(run, digest.refused if digest else [], files.tools)
    if old is not None:
        facts.rounds_from_times(run)
    run.votes = whole_seconds.place_votes(run.votes, run.answers, (), run.started)
    run.executions = executions.collect(files.usable, digest, old, run.answers, run.votes, run.started)
    run.votes = whole_seconds.place_votes(run.votes, (), run.executions, run.started)
    presented = next((m.t for m in (digest.moments if digest else ()) if m.kind == "presentation"), None)
    rounds = [e.t for e in files.coordination.events if e.type == "final_round_start" and e.t is not None]
    if votes.are_taken_back(digest, version):
        run.votes = votes.take_back(run.votes, run.executions, min(rounds, default=presented))
    facts.fill_agents(run, files, digest, order, backends, dialect_of)
    facts.fill_winner(run, attempt, files, digest)
    facts.fill_enforcement(run, files.status, digest, old)
    facts.fill_moments(run, files, digest, old)
    run.unconnected, run.begun = log.unconnected, log.begun
    facts.fill_stored_answer(run, files, digest)
    facts.add_errors(run, files, log, digest)
    if place.turn.number < place.session.turns[-1].number:
        facts.drop_later_turns(run)
    doubled = facts.fill_usage(run, place, files, dialect_of)
    whole_seconds.place(run)
    facts.fill_presentation(run, files, digest)
    deaths.place(run, log)
    run.silences = None if digest is None else deaths.at_work(run, digest.silences)
    run.calls_recorded = digest is not None or (old is not None and old.read_calls)
    run.results_recorded = run.calls_recorded and not (old is not None and old.no_results)
    open_clients = any(
        call.outcome == "open" and call.command is not None and dialect_of(call.agent).refusal_in_result
        for call in run.calls
    )
    run.denied_recorded = run.calls_recorded and not (digest is None and open_clients)
    run.denied_recorded &= not any(call.tool in dialect_of(call.agent).silent_shells for call in run.calls)
    run.denied_recorded &= all(dialect_of(agent).refusals_recorded for agent in run.agents)
    ended = how.state == "finished" or (how.state == "timed_out" and bool(run.answers))
    expected = versions.expected_files(attempt, version, ended=ended, debug=bool(files.metadata.debug))
    paths = {name: attempt.file(name) for name in expected}
    run.missing = [name for name, path in paths.items() if path is None]
    sizes = {name: file_status(path) for name, path in paths.items() if path is not None}
    problems += [Problem(name, None, "empty") for name, info in sizes.items() if info is not None and not info.st_size]
    run.planted = planted.collect(run, places)
    notes.add(run, attempt, files, digest, old, dialect_of, doubled)
    run.problems += [Problem(f"{name}/", None, "folder cannot be opened") for name in attempt.closed_folders()]
    run.problems = list(dict.fromkeys(run.problems))  # some files are read for more than one fact
    return run


def _wanted(digest: Digest | None, files: Files) -> tuple[bytes, ...]:
    """What only massgen.log may tell of this run."""
    marks = main_log.ALWAYS
    if digest is not None:
        marks += main_log.UNKNOWN_TOOLS if digest.unknown_tools else ()
        marks += main_log.IGNORED if files.usable is None else ()
        marks += main_log.ERRORS if digest.said.presenter or (digest.died and files.usable is None) else ()
        marks += main_log.VOTING if any(moment.kind == "vote_refused" for moment in digest.quoted) else ()
    return marks


def _digest(
    attempt: Attempt, time: Clock, dialect_of: Callable[[str], Dialect], sources: list[Source], problems: list[Problem],
    places: planted.Places,
) -> Digest | None:  # fmt: skip
    if attempt.file("events.jsonl") is None:
        return None
    source = Source("events.jsonl")
    sources.append(source)
    digest = events.digest(attempt, time, dialect_of, source, problems, places)
    return digest if digest.said.last is not None or digest.calls else None
