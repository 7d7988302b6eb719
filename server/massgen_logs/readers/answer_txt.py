"""AGENT/STAMP/answer.txt and final/AGENT/answer.txt (all versions): an answer in full."""

from __future__ import annotations

from pathlib import Path

from massgen_logs.readers.base import Read, read_text

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes of an answer; a larger one is reported and not read."""


def read(path: Path | None) -> Read[str]:
    """The answer's text."""
    return read_text(path, MAX_ANSWER)
