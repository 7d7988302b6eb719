"""The whole files of an attempt (all but its logs), read together, and the clock that they give."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from massgen_logs.attempt import Attempt
from massgen_logs.readers import (
    coordination_events,
    coordination_table,
    execution_metadata,
    metrics_events,
    metrics_summary,
    snapshot_mappings,
    status_json,
    vote_json,
)
from massgen_logs.readers.base import Problem, Read, Source, T, read_head
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.readers.execution_metadata import Metadata
from massgen_logs.readers.metrics_events import MetricsEvents
from massgen_logs.readers.metrics_summary import Metrics
from massgen_logs.readers.snapshot_mappings import Snapshot
from massgen_logs.readers.status_json import Status
from massgen_logs.run import clock, ending
from massgen_logs.run.clock import Clock
from massgen_logs.tree import Place

if TYPE_CHECKING:
    from massgen_logs.run.events import Digest

_FIRST_TIME = re.compile(rb'"timestamp": "([0-9T:.\-]+)"')


class Files(Struct):
    """What the readers of the whole files returned for one attempt, and the clock that follows from it."""

    metadata: Metadata
    status: Status
    coordination: Coordination
    snapshots: list[Snapshot]
    metrics: Metrics
    tools: MetricsEvents
    emptied: bool
    """An orchestration restart began MassGen's record of this attempt anew: what coordination_events.json and the counters of status.json
    hold is of the time after it."""
    clock: Clock
    sources: list[Source]
    problems: list[Problem]

    @property
    def usable(self) -> Coordination | None:
        """The coordination events, unless they are missing, emptied or torn: of a torn file the last ones, which decide, are lost."""
        return self.headed if not self.coordination.torn else None

    @property
    def headed(self) -> Coordination | None:
        """The same, also torn: the times of the run stand at its head."""
        return self.coordination if self.coordination.events and not self.emptied else None

    @property
    def failure(self) -> tuple[str, str] | None:
        """(stage, error) of a failed start-up."""
        stage = self.metadata.failure_stage
        return (stage, self.metadata.failure_error or "") if stage else None


def read_files(place: Place) -> Files:
    """Read them; what could not be read is in `problems`."""
    attempt = place.attempt
    sources: list[Source] = []
    problems: list[Problem] = []

    def take(read: Read[T]) -> T:
        if read.source:
            sources.append(read.source)
        problems.extend(read.problems)
        return read.value

    coordination = take(coordination_events.read(attempt.file("coordination_events.json")))
    metadata = with_config(take(execution_metadata.read(attempt.file("execution_metadata.yaml"))), place)
    # a kill between MassGen's write and its rename leaves only the temporary file
    status = take(status_json.read(attempt.file("status.json") or attempt.file("status.json.tmp")))
    return Files(
        metadata,
        status,
        coordination,
        take(snapshot_mappings.read(attempt.file("snapshot_mappings.json"))),
        take(metrics_summary.read(attempt.file("metrics_summary.json"))),
        take(metrics_events.read(attempt.file("metrics_events.json"))),
        ending.is_emptied(coordination)
        or (not coordination.events and place.attempt.number < place.turn.attempts[-1].number),
        clock_of(place, status, coordination, metadata),
        sources,
        problems,
    )


def with_config(metadata: Metadata, place: Place) -> Metadata:
    """The metadata of a restarted attempt names no config, and a later turn of --continue may have none: that of its session's
    other attempts applies."""
    for other in _others(place) if not metadata.agents else ():
        config = execution_metadata.read(other.file("execution_metadata.yaml")).value
        if config.agents:
            metadata.agents, metadata.timeout_s = config.agents, metadata.timeout_s or config.timeout_s
            metadata.version = metadata.version or config.version
            break
    return metadata


def version_of(place: Place) -> str | None:
    """The version alone, as `with_config` has it, without parsing any YAML where the attempt's own names it."""
    own = execution_metadata.read_version(place.attempt.file("execution_metadata.yaml"))
    if own is not None:
        return own
    return with_config(execution_metadata.read(place.attempt.file("execution_metadata.yaml")).value, place).version


def _others(place: Place) -> Iterator[Attempt]:
    return (a for turn in place.session.turns for a in turn.attempts if a.path != place.attempt.path)


def clock_of(place: Place, status: Status, coordination: Coordination, metadata: Metadata | None) -> Clock:
    """The clock of a run, from moments that stand in local time and in Unix seconds.

    The surest first: vote.json, which holds both; an answer's folder and its event; the first line of events.jsonl or
    the metadata's time and the start; the session's stamp, for its first turn only.
    """
    attempt = place.attempt
    start = status.start_time if status.start_time is not None else coordination.start

    def pairs() -> Iterator[tuple[float | None, float | None]]:
        folders = attempt.agent_folders()
        for agent, stamps in folders.items():
            for stamp in stamps:
                if path := attempt.file(agent, stamp, "vote.json"):
                    vote = vote_json.read(path).value
                    yield (clock.stamp_seconds(stamp), vote.t) if vote else (None, None)
        for agent, stamps in folders.items():
            answered = [e.t for e in coordination.events if e.type == "new_answer" and e.agent == agent]
            own = [clock.stamp_seconds(stamp) for stamp in stamps if attempt.file(agent, stamp, "answer.txt")]
            yield from zip(own, answered, strict=False)
        first = _FIRST_TIME.search(read_head(attempt.file("events.jsonl"), 4096))
        yield clock.iso_seconds(first[1].decode("ascii", "replace") if first else None), start
        yield clock.iso_seconds(metadata.started if metadata else None), start
        if place.turn.number == 1:
            yield clock.stamp_seconds(place.session.name.removeprefix("log_")), start

    return clock.make(place.session.name, pairs(), start)


def agent_order(files: Files, digest: Digest | None, attempt: Attempt) -> list[str]:
    """Agents in config order, from the first file that names them."""
    if files.coordination.agents:
        return list(files.coordination.agents)
    if files.metadata.agents:
        return [agent.id for agent in files.metadata.agents]
    if files.status.agents:
        return list(files.status.agents)
    table = coordination_table.read(attempt.file("coordination_table.txt"))
    if table.source and table.value.agents:
        files.sources.append(table.source)
        return list(table.value.agents)
    return list(dict.fromkeys(start.agent for start in digest.starts)) if digest else []
