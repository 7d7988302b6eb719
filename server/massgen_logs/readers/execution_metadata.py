"""execution_metadata.yaml (0.1.12 on; written once at the start): version, config, command line, failure at start-up."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from msgspec import Struct

from massgen_logs.readers.base import Problem, Read, Source, as_name, mapping, mappings, number, read_text, sane, text

MOST_VALUES = 100_000
"""Values of a config at most, each alias counted as often as it is used."""
_DEEPEST = 100
_VERSION = re.compile(r"^massgen_version: *['\"]?([0-9][0-9A-Za-z.+-]*)['\"]? *$", re.M)


class AgentConfig(Struct, frozen=True):
    """One agent of the config: its id, backend type and model."""

    id: str
    backend: str | None
    model: str | None


class Metadata(Struct):
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
    match = _VERSION.search(read_text(path).value.replace("\r", "\n"))
    return match[1] if match else None


def read(path: Path | None) -> Read[Metadata]:
    """Read execution_metadata.yaml."""
    found = read_text(path)
    if found.source is None or found.source.unreadable:
        return Read(Metadata(), found.source, found.problems)
    name = found.source.file
    try:
        data = mapping(sane(_plain(_load(found.value), iter(range(MOST_VALUES)))))
    except Exception as error:  # PyYAML lets through whatever Python raises at a value that does not fit its tag
        problem = Problem(name, None, f"no valid YAML: {(str(error) or type(error).__name__).splitlines()[0][:120]}")
        return Read(Metadata(version=read_version(path)), Source(name, 0, 1), [problem])
    if not data:
        what = "no YAML mapping" if found.value.strip() else "empty"
        return Read(Metadata(), Source(name, 0, 1), [Problem(name, None, what)])
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


def _load(document: str) -> object:
    """The document, unless it is nested so deeply that PyYAML's C code would overrun its stack and end the process."""
    import yaml  # here: a call that only lists logs never needs it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    for event in yaml.parse(document, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"nested deeper than {_DEEPEST}")
    return yaml.load(document, Loader=loader)


def _plain(value: object, budget: Iterator[int], depth: int = 0) -> object:
    """YAML as JSON could hold it: no cycle, and no more values than `budget`, whatever aliases multiply.

    Raises:
        ValueError: for more values or deeper nesting than any config has.
    """
    if next(budget, None) is None or depth > _DEEPEST:
        raise ValueError(f"a cycle, or more than {MOST_VALUES} values")
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value).items()
        return {str(key): _plain(item, budget, depth + 1) for key, item in entries}
    if isinstance(value, list):
        return [_plain(item, budget, depth + 1) for item in cast("list[object]", value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def _agents(config: dict[str, object], args: dict[str, object]) -> list[AgentConfig]:
    entries = mappings(config.get("agents")) or ([mapping(config["agent"])] if mapping(config.get("agent")) else [])
    found: list[AgentConfig] = []
    for index, entry in enumerate(entries, 1):
        backend = mapping(entry.get("backend"))
        name = as_name(entry.get("id")) or as_name(entry.get("name")) or f"agent{index}"
        kind = text(backend.get("type")) or text(args.get("backend"))
        found.append(AgentConfig(name, kind, text(backend.get("model")) or text(args.get("model"))))
    return found


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
