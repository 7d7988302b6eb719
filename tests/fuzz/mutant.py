"""A copy of a sample's log tree that may be damaged: what it is, and the few ways in which its files are changed."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCUMENTS = (
    "status.json",
    "coordination_events.json",
    "snapshot_mappings.json",
    "metrics_summary.json",
    "metrics_events.json",
)
"""The JSON documents of an attempt that are always read whole."""
INSIDE = ("vote.json", "context.txt", "update_message.txt")
"""JSON documents in the folders of agents."""
KILL = (
    "events.jsonl", "massgen.log", "status.json", "execution_metadata.yaml", "coordination_events.json",
    "snapshot_mappings.json", "coordination_table.txt", "metrics_summary.json", "metrics_events.json", "final",
)  # fmt: skip
"""What a kill may leave or not."""
LARGEST = 16 << 20
"""Bytes of a file that a step changes; the sample files are smaller."""
PLANTED = "PLANTED"
"""Begins a line that no answer may hold outside a fence."""


@dataclass(frozen=True)
class Spec:
    """What to make: `kinds` in order (empty: one to three by chance); `detail` is what the first kind needs, if anything."""

    seed: int
    sample: str
    kinds: tuple[str, ...] = ()
    detail: tuple[Any, ...] = ()


@dataclass
class Mutant:
    """A broken tree: its log root, the attempt that was damaged, what was done to it, and the files to grow while it is read."""

    root: Path
    attempt: Path
    steps: list[str] = field(default_factory=list)
    told: dict[Path, bytes | None] = field(default_factory=dict)
    """File to the bytes that make it unreadable (None: it may not be opened)."""
    growing: dict[Path, bytes] = field(default_factory=dict)

    def unreadable(self) -> list[str]:
        """Names of the files of the attempt that an answer must call unreadable; a later step may have mended or removed one."""
        names: list[str] = []
        for path, data in self.told.items():
            if path.parent != self.attempt or path in self.growing or path.is_symlink():
                continue
            if data is None and path.exists() and not os.access(path, os.R_OK):
                names.append(path.name + "/" * path.is_dir())
            elif data is not None and path.is_file() and os.access(path, os.R_OK) and path.read_bytes() == data:
                names.append(path.name)
        return names


def copy_tree(sample: Path, target: Path) -> None:
    """Copy a log root by hard links."""
    shutil.copytree(sample, target, symlinks=True, copy_function=os.link)


def attempts(root: Path) -> list[Path]:
    """The folders below a log root that hold a run, copies in workspaces left out."""
    marks = {"massgen.log", "massgen_debug.log", "events.jsonl", "status.json"}
    found = {p.parent for p in root.rglob("*") if p.name in marks and not {"workspace", "full_logs"} & set(p.parts)}
    return sorted(found)


def files(mutant: Mutant, *names: str) -> list[Path]:
    """Regular files of the damaged attempt, by name (all without one); without what an earlier step made huge or unreadable."""
    found = [p for p in mutant.attempt.rglob("*") if p.is_file() and not p.is_symlink() and os.access(p, os.R_OK)]
    return sorted(p for p in found if (not names or p.name in names) and p.stat().st_size < LARGEST)


def pick(rng: random.Random, mutant: Mutant, *names: str) -> Path | None:
    """A file: first its name is drawn, so that one status.json is as likely as the many vote.json files together."""
    there = files(mutant, *names)
    name = rng.choice(sorted({p.name for p in there})) if there else ""
    return rng.choice([p for p in there if p.name == name]) if there else None


def write(path: Path, data: bytes) -> None:
    """Replace a file: the sample's own bytes, which it shares, stay."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def own(path: Path) -> None:
    """Make a file the mutant's own before its mode or size is changed."""
    write(path, path.read_bytes())


def must_tell(mutant: Mutant, path: Path, data: bytes | None) -> None:
    if path.name in (*DOCUMENTS, "events.jsonl") or (path.is_dir() and path.parent == mutant.attempt):
        mutant.told[path] = data
