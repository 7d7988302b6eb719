"""Frames between store.py and worker.py: four bytes of length, then the content."""

from __future__ import annotations

from typing import IO


def send(stream: IO[bytes], frame: bytes) -> None:
    """One frame.

    Raises:
        OSError: if nobody reads any more.
    """
    stream.write(len(frame).to_bytes(4, "big"))
    stream.write(frame)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """One frame; None at the end of the stream, also in the middle of a frame."""
    head = stream.read(4)
    size = int.from_bytes(head, "big")
    frame = stream.read(size)
    return frame if len(head) == 4 and len(frame) == size else None
