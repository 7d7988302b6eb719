"""AGENT/STAMP/answer.txt and final/AGENT/answer.txt (all versions): an answer in full."""

from __future__ import annotations

from pathlib import Path

from massgen_logs.readers.base import Read, read_text


def read(path: Path | None) -> Read[str]:
    """The answer's text."""
    return read_text(path)
