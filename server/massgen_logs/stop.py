"""Whether the caller still waits: long work looks now and then, and gives up when nobody does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from massgen_logs.errors import MassgenLogError


class _Caller:
    """left: set once the caller has gone; to_end: what to call then."""

    def __init__(self) -> None:
        self.left = threading.Event()
        self.to_end: list[Callable[[], object]] = []
        self.lock = threading.Lock()


_caller: ContextVar[_Caller | None] = ContextVar("caller", default=None)


@contextmanager
def when_left() -> Generator[None]:
    """Work that was begun inside, on whatever thread, stops at its next check once the block is left."""
    caller = _Caller()
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)
        with caller.lock:
            caller.left.set()
            for end in caller.to_end:
                end()


@contextmanager
def ended_by(end: Callable[[], object]) -> Generator[None]:
    """For work inside that can't look: `end` is called, on another thread, as soon as the caller goes. It must not wait.

    Raises:
        MassgenLogError: as check, before the work and after it.
    """
    caller = _caller.get()
    if caller is None:
        yield
        return
    with caller.lock:
        check()
        caller.to_end.append(end)
    try:
        yield
    finally:
        with caller.lock:
            caller.to_end.remove(end)
    check()


def check() -> None:
    """Give up if the caller has gone.

    Raises:
        MassgenLogError: nobody reads it; it only ends the work.
    """
    caller = _caller.get()
    if caller is not None and caller.left.is_set():
        raise MassgenLogError("The call was cancelled.")


def wait(seconds: float) -> None:
    """Wait, and give up at once if the caller goes.

    Raises:
        MassgenLogError: as check.
    """
    caller = _caller.get()
    if caller is None:
        time.sleep(seconds)
    else:
        caller.left.wait(seconds)
        check()
