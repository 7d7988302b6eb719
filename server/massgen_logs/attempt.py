"""One attempt: its folder, and the files and folders in it that are reached without a link. Names only: no file is opened here."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from massgen_logs.handles import below, entries, file_status, is_file, is_open, listing, status

STAMP = re.compile(r"\d{8}_\d{6}_\d{6}")
Signature = tuple[tuple[str, int, int], ...]
_AT_HOME = frozenset({"massgen.log", "massgen_debug.log", "streaming_debug.log", "execution_metadata.yaml"})
LOG_HALF = frozenset({"events.jsonl", "massgen.log", "massgen_debug.log", "streaming_debug.log"})


class Attempt(Struct, frozen=True):
    """One run directory. `log_half` is the other folder of a split run, or None; `log_home` the folder whose massgen.log and metadata
    are this attempt's too, and `shares_log` whether that log, or its own, tells of other attempts."""

    number: int
    path: Path
    log_half: Path | None = None
    log_home: Path | None = None
    shares_log: bool = False

    @property
    def elsewhere(self) -> list[Path]:
        """Folders beside its own that hold files of this attempt."""
        return [folder for folder in (self.log_half, self.log_home) if folder is not None]

    def file(self, *parts: str) -> Path | None:
        """The path of a regular file of this attempt, or None if it is absent or reached through a symbolic link."""
        found = below(self.path, *parts)
        if found is not None and is_file(found):
            return found
        other = self.log_half or (self.log_home if parts[0] in _AT_HOME else None)
        half = below(other, *parts) if other is not None and len(parts) == 1 else None
        return half if half is not None and is_file(half) else None

    def log_parts(self) -> list[Path]:
        """massgen.log, or massgen_debug.log, after the parts that were rotated away (`massgen.DATE.log.zip`)."""
        for name in ("massgen", "massgen_debug"):
            for folder in (self.path, *self.elsewhere):
                parts = [
                    n for n, is_dir in entries(folder) if not is_dir and re.fullmatch(rf"{name}\.(.+\.)?log(\.zip)?", n)
                ]
                if parts:
                    return [
                        folder / n for n in sorted(parts, key=lambda n: (n == f"{name}.log", n)) if is_file(folder / n)
                    ]
        return []

    def folders(self, *parts: str) -> list[str]:
        """Names of the real sub-folders of a folder of this attempt, sorted."""
        folder = below(self.path, *parts)
        return [name for name, is_dir in entries(folder) if is_dir] if folder is not None else []

    def names(self) -> set[str]:
        """Names of everything in the attempt's folder, and in the other one of a split run."""
        folders = [self.path] if self.log_half is None else [self.path, self.log_half]
        return {name for folder in folders for name, _ in entries(folder)}

    def agent_folders(self) -> dict[str, list[str]]:
        """Agent id to its time-stamped folders, oldest first; agents without such a folder have an empty list."""
        found: dict[str, list[str]] = {}
        for name in self.folders():
            if name in {"final", "agent_outputs", "streaming_buffers", "subagents"}:
                continue
            inside = entries(self.path / name)
            stamps = [n for n, is_dir in inside if is_dir and STAMP.fullmatch(n)]
            if stamps or any(n == "workspace" for n, _ in inside):
                found[name] = stamps
        return found

    def closed_folders(self) -> list[str]:
        """Real sub-folders, two levels deep, that may not be listed or entered: what they hold is unknown, not absent."""
        closed: list[str] = []
        for name in self.folders():
            closed += [f"{name}/{inner}" for inner in self.folders(name) if not is_open(self.path / name / inner)]
            closed += [] if is_open(self.path / name) else [name]
        return closed

    def workspace_files(self, *parts: str, limit: int = 2000) -> tuple[list[tuple[str, int]], bool]:
        """(relative path, bytes) of the files in a workspace copy, and whether there are more than `limit` entries.

        What MassGen or a client put there (hidden folders, the trace of the round before) is left out.
        """
        base = below(self.path, *parts)
        found: list[tuple[str, int]] = []
        if base is None:
            return found, False
        folders, seen = [base], 0
        while folders:
            folder = folders.pop(0)
            for name, is_dir in entries(folder):
                seen += 1
                if seen > limit:
                    return found, True
                if name.startswith(".") or (folder == base and name == "execution_trace.md"):
                    continue
                if is_dir:
                    folders.append(folder / name)
                elif info := file_status(folder / name):
                    found.append((str((folder / name).relative_to(base)), info.st_size))
        return found, False

    def signature(self) -> Signature:
        """(path, size, mtime in ns) of every file that a Run is read from, and of their folders: equal means unchanged."""
        folders = [self.path, self.path / "agent_outputs", *self.elsewhere]
        for agent, stamps in self.agent_folders().items():
            folders += [self.path / agent, *(self.path / agent / stamp for stamp in stamps)]
        folders += [self.path / "final" / agent for agent in self.folders("final")]
        own = [(folder, info) for folder in folders if (info := status(folder))]
        inside = [(folder / name, info) for folder in folders for name, info in listing(folder)]
        return tuple((str(path), info.st_size, info.st_mtime_ns) for path, info in [*own, *inside])

    def is_still(self, signature: Signature) -> bool:
        """True if nothing has changed since: as sure as a new signature, at a tenth of its cost, because nothing is opened."""
        return all(
            (info := status(path)) is not None and (info.st_size, info.st_mtime_ns) == (size, changed)
            for path, size, changed in signature
        )
