"""Attempts loaded for their records: one here, many in processes beside this one.

The first question about a run waits until all its files were read and looked through for secrets, which keeps one core
busy. A helper gets pickled places on its standard input, answers each with a pickled Loaded, and ends when its input does;
both ends of the pipe are this program's own.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Thread

from msgspec import Struct

from massgen_logs import stop
from massgen_logs.attempt import Signature
from massgen_logs.errors import MassgenLogError
from massgen_logs.records.frames import receive, send
from massgen_logs.records.schema import Record
from massgen_logs.records.spans import records
from massgen_logs.run.model import Secret
from massgen_logs.tools.masking import load
from massgen_logs.tree import Place

_EACH = 8
"""Attempts for which a helper is worth its beginning, which takes as long as some of them."""
_MOST = 8
_HELPER = "from massgen_logs.tools.loading import help_; help_()"


class Loaded(Struct, frozen=True):
    """signature: of the attempt's files before they were read; state, secrets: of its run; packed: its records, which hold
    its secrets."""

    signature: Signature
    state: str
    secrets: list[Secret]
    packed: bytes

    def records(self) -> list[Record]:
        """As spans.py makes them."""
        return pickle.loads(zlib.decompress(self.packed))


def loaded(place: Place) -> Loaded:
    """Read an attempt."""
    signature, run = place.attempt.signature(), load(place, orders=False)
    packed = zlib.compress(pickle.dumps(records(run)), 1)
    return Loaded(signature, run.ending.state, run.secrets.found if run.secrets else [], packed)


def load_all(places: Sequence[Place]) -> Iterator[Loaded]:
    """Read attempts, in their order; by several processes where there are cores and enough to do."""
    count = min(_cores(), _MOST, len(places) // _EACH)
    if count < 2:
        for place in places:
            stop.check()
            yield loaded(place)
        return
    helpers = _Helpers(count)
    try:
        with stop.ended_by(helpers.kill):
            for place, found in zip(places, helpers.ask(places), strict=True):
                stop.check()
                yield found or loaded(place)  # also for its error, where there is one
    finally:
        helpers.close()


class _Helpers:
    """The processes, and a thread for each that waits for it."""

    def __init__(self, count: int) -> None:
        self._all: list[subprocess.Popen[bytes]] = []
        self._free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._threads = ThreadPoolExecutor(count)
        for _ in range(count):
            self._begin()

    def ask(self, places: Sequence[Place]) -> Iterator[Loaded | None]:
        """What they say about each, None for what they can't load."""
        return self._threads.map(self._answer, places)

    def kill(self) -> None:
        """End them wherever they are."""
        for helper in self._all:
            helper.kill()

    def close(self) -> None:
        """Leave none behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.kill()
        self._threads.shutdown()
        self.kill()  # one that was begun in between
        for helper in self._all:
            helper.communicate()

    def _begin(self) -> None:
        helper = subprocess.Popen(
            [sys.executable, "-P", "-c", _HELPER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._all.append(helper)
        self._free.put(helper)

    def _answer(self, place: Place) -> Loaded | None:
        helper = self._free.get()
        answer: bytes | None = None
        try:
            if helper.stdin is not None and helper.stdout is not None:
                send(helper.stdin, pickle.dumps(place))
                answer = receive(helper.stdout)
        except OSError:
            answer = None
        if answer is None:
            self._begin()
            return None
        self._free.put(helper)
        return pickle.loads(answer) if answer else None


def help_() -> None:
    """Be a helper."""
    waiting: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        while (frame := receive(sys.stdin.buffer)) is not None:
            waiting.put(frame)
        os._exit(0)  # whatever it is doing: nobody waits for it

    Thread(target=read, daemon=True).start()
    while True:
        place: Place = pickle.loads(waiting.get())
        try:
            answer = pickle.dumps(loaded(place))
        except MassgenLogError:
            answer = b""
        send(sys.stdout.buffer, answer)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
