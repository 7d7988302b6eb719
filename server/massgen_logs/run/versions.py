"""Which MassGen wrote a tree. The version is massgen_version in execution_metadata.yaml and nothing else; where that is
missing, a range is inferred from the layout and said to be inferred.
"""

from __future__ import annotations

import re

from massgen_logs.attempt import Attempt


def parse(version: str | None) -> tuple[int, ...] | None:
    """The numbers of a version; None for none."""
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", version or "")
    return tuple(int(part) for part in match.groups()) if match else None


def inferred_range(attempt: Attempt) -> str:
    """The versions that leave such files, for a tree that names none."""
    return _inferred(attempt)[0]


def _inferred(attempt: Attempt) -> tuple[str, tuple[int, ...] | None]:
    """The same, and the lowest of them; None where no file speaks for any."""
    if attempt.file("events.jsonl"):
        return "0.1.46 or later", (0, 1, 46)
    if attempt.file("streaming_debug.log"):
        return "0.1.28 to 0.1.45", (0, 1, 28)
    if attempt.file("massgen_debug.log"):
        return "any version, run with --debug", None
    if attempt.file("metrics_summary.json"):
        return "0.1.24 or later", (0, 1, 24)
    return ("0.1.8 to 0.1.23", (0, 1, 8)) if attempt.file("status.json") else ("0.1.0 to 0.1.7", None)


def expected_files(attempt: Attempt, version: tuple[int, ...] | None, *, ended: bool, debug: bool) -> list[str]:
    """Names of the files that this version writes for such a run; where none is known, those of the lowest that the layout allows."""
    version = version or _inferred(attempt)[1]
    names = ["massgen_debug.log" if debug else "massgen.log"]
    if ended:
        names += ["coordination_events.json", "snapshot_mappings.json", "coordination_table.txt"]
    if version is None:
        return names
    names += ["execution_metadata.yaml", *(["status.json"] if version >= (0, 1, 8) else [])]
    if version >= (0, 1, 24) and ended:
        names += ["metrics_summary.json", "metrics_events.json"]
    if version >= (0, 1, 46) and not debug:
        names.append("events.jsonl")
    return names
