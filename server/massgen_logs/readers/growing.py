"""A file of lines that is being written: each look reads only what was added since the one before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from massgen_logs import stop
from massgen_logs.handles import open_file
from massgen_logs.readers.base import MAX_LINE, Source

FIRST_LOOK = 16 * 1024 * 1024
"""Bytes from the end of a file that its first look reads."""


class Growing(Struct):
    """How far a file of lines was read.

    skipped: bytes before the part that the first look reads; they are never read. written: Unix seconds of the last write,
    None while there is no file. anew: this look began the file again, because another one has its place or it shrank.
    """

    path: Path
    offset: int = 0
    skipped: int = 0
    written: float | None = None
    anew: bool = True
    file: tuple[int, int] = (0, 0)
    seen: tuple[int, int] = (-1, -1)
    rows: int = 0

    @property
    def source(self) -> Source:
        """The file, with the lines that were read so far."""
        return Source(self.path.name, self.rows)

    def lines(self) -> Iterator[bytes]:
        """The whole lines that were added; none if nothing changed, or the file is absent or can't be read.

        A line that has no end yet is left for the next look.
        """
        try:
            with os.fdopen(open_file(self.path), "rb") as handle:
                info = os.fstat(handle.fileno())
                self.written = info.st_mtime
                self.anew = (info.st_dev, info.st_ino) != self.file or info.st_size < self.offset
                now = (info.st_size, info.st_mtime_ns)
                if now == self.seen and not self.anew:
                    return
                if self.anew:
                    self.file = (info.st_dev, info.st_ino)
                    self.rows = 0
                    self.offset = self.skipped = max(0, info.st_size - FIRST_LOOK)
                    handle.seek(self.offset)
                    self.offset += len(handle.readline()) if self.skipped else 0  # the end of a line that began before
                self.seen = now
                handle.seek(self.offset)
                while line := handle.readline(MAX_LINE):
                    if not line.endswith(b"\n") and len(line) < MAX_LINE:
                        return
                    self.offset, self.rows = self.offset + len(line), self.rows + 1
                    stop.check()
                    yield line
        except OSError:
            return
