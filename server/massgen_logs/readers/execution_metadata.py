"""execution_metadata.yaml (0.1.12 on; written once at the start): version, config, command line, failure at start-up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from massgen_logs.readers.base import Problem, Read, Source, mapping, mappings, number, read_text, text

_VERSION = re.compile(r"^massgen_version: *['\"]?([0-9][0-9A-Za-z.+-]*)['\"]? *$", re.M)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """One agent of the config: its id, backend type and model."""

    id: str
    backend: str | None
    model: str | None


@dataclass(slots=True)
class Metadata:
    """execution_metadata.yaml; the only place that names the version. timeout in seconds; started: naive local ISO."""

    version: str | None = None
    query: str | None = None
    started: str | None = None
    agents: tuple[AgentConfig, ...] = ()
    timeout_s: float | None = None
    logfire: bool | None = None
    debug: bool | None = None
    failure_stage: str | None = None
    failure_error: str | None = None
    orchestrator: dict[str, object] | None = None
    config: dict[str, object] | None = None
    """The whole `config` as loaded: secrets in it are masked only where an answer is made."""


def read_version(path: Path | None) -> str | None:
    """massgen_version alone, without parsing the YAML: a top-level key can only stand at the start of a line."""
    match = _VERSION.search(read_text(path).value)
    return match[1] if match else None


def read(path: Path | None) -> Read[Metadata]:
    """Read execution_metadata.yaml."""
    import yaml  # here: a call that only lists logs never needs it

    found = read_text(path)
    if found.source is None or found.source.unreadable:
        return Read(Metadata(), found.source, found.problems)
    name = found.source.file
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        data = mapping(yaml.load(found.value, Loader=loader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = Problem(name, None, f"no valid YAML: {str(error).splitlines()[0][:120]}")
        return Read(Metadata(version=read_version(path)), Source(name, 0, 1), [problem])
    config, args = mapping(data.get("config")), mapping(data.get("cli_args"))
    version = text(data.get("massgen_version"))
    metadata = Metadata(
        version=version,
        query=text(data.get("query")),
        started=str(data["timestamp"]).replace(" ", "T") if data.get("timestamp") else None,
        agents=tuple(_agents(config, args)),
        timeout_s=number(mapping(config.get("timeout_settings")).get("orchestrator_timeout_seconds")),
        logfire=_flag(args.get("logfire")),
        debug=_flag(args.get("debug")),
        failure_stage=text(args.get("failure_stage")) or text(data.get("failure_stage")),
        failure_error=text(args.get("failure_error")) or text(data.get("failure_error")),
        orchestrator=mapping(config.get("orchestrator")) or None,
        config=config or None,
    )
    return Read(metadata, found.source, found.problems)


def _agents(config: dict[str, object], args: dict[str, object]) -> list[AgentConfig]:
    entries = mappings(config.get("agents")) or ([mapping(config["agent"])] if mapping(config.get("agent")) else [])
    found: list[AgentConfig] = []
    for index, entry in enumerate(entries, 1):
        backend = mapping(entry.get("backend"))
        name = text(entry.get("id")) or text(entry.get("name")) or f"agent{index}"
        kind = text(backend.get("type")) or text(args.get("backend"))
        found.append(AgentConfig(name, kind, text(backend.get("model")) or text(args.get("model"))))
    return found


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
