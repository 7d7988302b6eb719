"""The config that a run was started with, as execution_metadata.yaml keeps it."""

from __future__ import annotations

from massgen_logs.readers.base import mapping, mappings
from massgen_logs.run.files import read_files
from massgen_logs.tree import Place


def recorded_config(place: Place) -> dict[str, object] | None:
    """The config with its agents by id; backend type and model also where the command line gave them; None: no file has it.

    The metadata of a restarted attempt names no config: that of another attempt of its turn applies.
    """
    own = read_files(place).metadata
    for other in place.turn.attempts:
        if own.config is None and other.number != place.attempt.number:
            own = read_files(Place(place.session, place.turn, other)).metadata
    if own.config is None:
        return None
    entries = mappings(own.config.get("agents")) or [mapping(own.config.get("agent"))]
    agents: dict[str, object] = {}
    for agent, entry in zip(own.agents, entries, strict=False):
        backend = {**mapping(entry.get("backend")), "type": agent.backend, "model": agent.model}
        agents[agent.id] = {key: value for key, value in entry.items() if key != "id"} | {"backend": backend}
    rest = {key: value for key, value in own.config.items() if key not in {"agents", "agent"}}
    return {"agents": agents, **rest}
