"""Whether the caller still waits: long work looks now and then, and gives up when nobody does."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

from massgen_logs.errors import MassgenLogError

_left: ContextVar[Event | None] = ContextVar("left", default=None)


@contextmanager
def when_left() -> Generator[None]:
    """Work that was begun inside, on whatever thread, stops at its next check once the block is left."""
    left = Event()
    token = _left.set(left)
    try:
        yield
    finally:
        left.set()
        _left.reset(token)


def check() -> None:
    """Give up if the caller has gone.

    Raises:
        MassgenLogError: nobody reads it; it only ends the work.
    """
    left = _left.get()
    if left is not None and left.is_set():
        raise MassgenLogError("The call was cancelled.")


def wait(seconds: float) -> None:
    """Wait, and give up at once if the caller goes.

    Raises:
        MassgenLogError: as check.
    """
    left = _left.get()
    if left is None:
        time.sleep(seconds)
    else:
        left.wait(seconds)
        check()
