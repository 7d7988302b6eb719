"""The team of agents that self-analysis runs: its configuration, MassGen's command, and the process itself."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

from msgspec import Struct

from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.handles import open_folder

TEMPLATE = "self_analysis.yaml"
TESTED = "0.1.97"
"""The version of MassGen that uvx fetches: the newest that the project's tests run."""
SERVER = "massgen-logs"

_KEYS = {
    "openai": ("OPENAI_API_KEY",),
    "claude": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "grok": ("XAI_API_KEY",),
    "chatcompletion": ("OPENAI_API_KEY",),
}
"""Variables of which MassGen wants one, by backend; other backends log in their own way or know several providers."""
_BACKENDS = {"gpt": "openai", "o3": "openai", "o4": "openai", "claude": "claude", "gemini": "gemini", "grok": "grok"}
_MOST = 1 << 20
_PATIENCE = 10.0
"""Seconds that MassGen has to end by itself after an interrupt."""


class Models(Struct, frozen=True):
    """Whom to ask: one model for the team or one an agent, on one backend."""

    names: tuple[str, ...]
    backend: str
    base_url: str | None


def choose(names: Sequence[str], backend: str | None, base_url: str | None, environ: Mapping[str, str]) -> Models:
    """The user's choice, by flags or else by variables.

    Raises:
        MassgenLogError: if no model is chosen, its backend can't be told, or its key is nowhere.
    """
    names = tuple(names) or tuple(environ.get("MASSGEN_LOGS_MODEL", "").split())
    base_url = base_url or environ.get("MASSGEN_LOGS_BASE_URL") or None
    backend = backend or environ.get("MASSGEN_LOGS_BACKEND") or ("chatcompletion" if base_url else None)
    if not names:
        raise MassgenLogError(
            "No model is chosen for the analysts. Give --model NAME (one for all three agents or three) and --backend "
            f"({', '.join(_KEYS)}, or another of MassGen's), with --base-url for an OpenAI-compatible provider; or set "
            "MASSGEN_LOGS_MODEL, MASSGEN_LOGS_BACKEND and MASSGEN_LOGS_BASE_URL; or give a MassGen config by --config. "
            "Keys are those that MassGen reads: OPENAI_API_KEY, ANTHROPIC_API_KEY, ..."
        )
    if len(names) not in {1, 3}:
        raise MassgenLogError(f"{len(names)} models for three agents: give one, or three.")
    if backend is None:
        found = {own for name in names for start, own in _BACKENDS.items() if name.startswith(start)}
        if len(found) != 1:
            raise MassgenLogError(f"The backend of {', '.join(map(quoted, names))} is unknown: give --backend.")
        backend = found.pop()
    wanted = () if base_url else _KEYS.get(backend, ())
    stored = [Path.home() / ".massgen" / ".env", Path.home() / ".config" / "massgen" / ".env"]
    if wanted and not any(environ.get(name) for name in wanted) and not any(path.exists() for path in stored):
        raise MassgenLogError(
            f"{' or '.join(wanted)} is not set: backend {backend} needs it. Set it, or write it to ~/.massgen/.env."
        )
    return Models(names, backend, base_url)


def read_yaml(path: Path) -> dict[str, Any]:
    """A configuration file.

    Raises:
        MassgenLogError: if it can't be read or is no mapping.
    """
    import yaml  # here: only this command reads configurations

    path = Path(os.path.realpath(path))
    try:
        with open_folder(path.parent) as folder:
            value: object = yaml.safe_load(folder.read(path.name, _MOST))
    except (OSError, yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise MassgenLogError(f"{path}: {getattr(error, 'strerror', None) or error}.") from error
    if not isinstance(value, dict):
        raise MassgenLogError(f"{path} is no MassGen configuration: not a mapping.")
    return cast("dict[str, Any]", value)


def dumped(config: dict[str, Any]) -> bytes:
    """A configuration as a file; whatever it holds is data in it."""
    import yaml

    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode()


def template() -> dict[str, Any]:
    """skill_assets/self_analysis.yaml: a wheel has it in the package, a checkout in its own folder."""
    package = Path(__file__).resolve().parents[1]
    places = [package / TEMPLATE, package.parents[1] / "skill_assets" / TEMPLATE]
    return read_yaml(next((place for place in places if place.is_file()), places[0]))


def configuration(
    team: dict[str, Any], own: dict[str, Any] | None, models: Models | None, root: Path, *, logfire: bool
) -> dict[str, Any]:
    """MassGen's configuration: the template with the user's models, or the user's own with our servers added.

    Args:
        team: the template; it is changed.
        own: the user's own configuration; it is changed.
        models: the user's choice; None with a configuration of the user's own.
        root: the log root, which the agents' server reads.
        logfire: whether the Logfire server can be started.

    Raises:
        MassgenLogError: for a configuration without agents, or a path that MassGen would change.
    """
    if "${" in str(root) or "${" in sys.executable:
        raise MassgenLogError(f'{root}: MassGen takes "${{" in a path for a variable. Move the logs or link to them.')
    servers: list[dict[str, Any]] = team.pop("mcp_servers")
    team.pop("task")
    for server in servers:
        if server["name"] == SERVER:
            server["command"] = shlex.quote(sys.executable)
            server["args"] = ["-P", "-m", "massgen_logs", "serve", "--read-only", "--logs-dir", str(root)]
    config = team if own is None else own
    agents = _agents(config)
    for index, agent in enumerate(agents):
        backend: dict[str, Any] = agent["backend"]
        if models is not None:
            backend |= {"type": models.backend, "model": models.names[index % len(models.names)]}
            backend |= {"base_url": models.base_url} if models.base_url else {}
        backend["mcp_servers"] = _joined(backend.get("mcp_servers"), servers if own is None else servers[:1])
        if not logfire:
            backend["mcp_servers"] = [server for server in backend["mcp_servers"] if server.get("name") != "logfire"]
    return config


def _agents(config: dict[str, Any]) -> list[dict[str, Any]]:
    found: Any = config.get("agents") or [config.get("agent")]
    agents = cast("list[Any]", found) if isinstance(found, list) else []
    for agent in agents or [None]:
        if not isinstance(agent, dict) or not isinstance(cast("dict[str, Any]", agent).get("backend"), dict):
            raise MassgenLogError("The configuration has no agents with a backend each.")
    return agents


def _joined(present: Any, ours: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The servers that an agent has, as a list, and ours instead of any of the same name."""
    if isinstance(present, dict):
        present = [{**value, "name": name} for name, value in cast("dict[str, dict[str, Any]]", present).items()]
    others = cast("list[dict[str, Any]]", present or [])
    names = {server["name"] for server in ours}
    return [*(server for server in others if server.get("name") not in names), *deepcopy(ours)]


def massgen_command(environ: Mapping[str, str]) -> list[str]:
    """How MassGen is started: MASSGEN_COMMAND, `massgen` on PATH, or uvx.

    Raises:
        MassgenLogError: if there is none of them.
    """
    if given := environ.get("MASSGEN_COMMAND"):
        try:
            command = shlex.split(given)
        except ValueError as error:
            raise MassgenLogError(f"MASSGEN_COMMAND={quoted(given)}: {error}.") from error
        if command and shutil.which(command[0], path=environ.get("PATH")):
            return command
        raise MassgenLogError(f"MASSGEN_COMMAND={quoted(given)}: no such program.")
    if shutil.which("massgen", path=environ.get("PATH")):
        return ["massgen"]
    if shutil.which("uvx", path=environ.get("PATH")):
        return ["uvx", f"massgen@{TESTED}"]
    raise MassgenLogError(
        f"MassGen is not installed: neither massgen nor uvx is on PATH. `uv tool install massgen=={TESTED}`, "
        "or set MASSGEN_COMMAND to the command that starts it."
    )


def run(command: Sequence[str], folder: Path, environ: Mapping[str, str], output: Path | None) -> int:
    """Run MassGen in `folder` to its end and return its exit code (negative: the signal that ended it).

    Args:
        command: what to start.
        folder: its working directory.
        environ: its environment.
        output: the file that takes what it prints; None leaves it the terminal.

    Raises:
        KeyboardInterrupt: after MassGen has ended, if SIGINT or SIGTERM reached this process.
        MassgenLogError: if it can't be started.
    """
    stream = None if output is None else os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environ), stdout=stream, stderr=stream,
            stdin=None if stream is None else subprocess.DEVNULL, start_new_session=stream is not None,
        )  # fmt: skip
        try:
            return process.wait()
        except KeyboardInterrupt:
            _end(process, alone=stream is not None)
            raise
    except OSError as error:
        raise MassgenLogError(f"{command[0]} can't be started: {error.strerror or error}.") from error
    finally:
        signal.signal(signal.SIGTERM, before)
        if stream is not None:
            os.close(stream)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[bytes], *, alone: bool) -> None:
    """End MassGen and what it started: by an interrupt first, which a terminal has sent to its own group already."""
    for number in (signal.SIGINT, signal.SIGKILL if os.name == "posix" else signal.SIGTERM):
        with suppress(OSError):
            if alone and os.name == "posix":
                os.killpg(process.pid, number)
            elif number != signal.SIGINT:
                process.kill()
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(_PATIENCE)
            return
