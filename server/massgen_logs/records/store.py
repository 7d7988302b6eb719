"""Records of attempts, kept for the process, and SQL over them in a process of its own (worker.py).

What was made of a log is kept, compressed, until its files change or room is needed. The worker gets it once; one that
had to be killed is replaced at the next question, and gets it again.
"""

from __future__ import annotations

import atexit
import contextlib
import subprocess
import sys
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from massgen_logs import stop
from massgen_logs.attempt import Signature
from massgen_logs.errors import MassgenLogError
from massgen_logs.records.frames import receive, send
from massgen_logs.records.rows import again
from massgen_logs.run.model import Secret
from massgen_logs.text.clean import encodable
from massgen_logs.text.mask import Masker

KEPT = 300_000_000
"""Bytes of records, as JSON, that are kept; those used least lately go first."""
_FRAME = 8_000_000
"""Bytes that are sent to the worker at once."""
_DIED = "The query needs too much memory or time, and was stopped. Narrow it, aggregate, or add LIMIT."


class Table(Struct, frozen=True):
    """A result: names of its columns, made different where two are the same, and its rows as plain values."""

    columns: list[str]
    rows: list[dict[str, object]]


class Kept(Struct, frozen=True):
    """An attempt in the store. signature: of its files, None for one that is true only for now; state, secrets: of its
    run; rows: how many records it has; bytes: of its records as JSON; packed: these, compressed; without: the secrets that
    they surely don't hold."""

    number: int
    signature: Signature | None
    state: str
    secrets: list[Secret]
    rows: int
    bytes: int
    packed: bytes
    without: frozenset[str]


class Store:
    """The kept records, and the worker that has some of them. Safe for several threads; questions wait for each other."""

    def __init__(self, seconds: float = 20.0) -> None:
        """seconds: of one query; the worker stops it then, and is killed a little later if it can't."""
        self._seconds = seconds
        self.numbers: dict[str, int] = {}
        """Of the secrets in the kept records, for every Masker of them."""
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._next = 0
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._sent: dict[int, int] = {}
        """Number to bytes of what the worker has."""
        atexit.register(self.close)

    def find(self, key: str) -> Kept | None:
        """What is kept of an attempt; whether it is still true is for the caller to see by its signature."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        return kept

    def put(
        self, key: str, signature: Signature | None, state: str, secrets: list[Secret], rows: Sequence[dict[str, object]],
    ) -> Kept:  # fmt: skip
        """Keep the records of one attempt, in place of earlier ones.

        Args:
            key: its path.
            signature: of its files; None for one that is true only for now.
            state: of its run.
            secrets: that its files hold.
            rows: as rows.py makes them.
        """
        with self._lock:
            self._next += 1
            number = self._next
        dumped = orjson.dumps([{**row, "place": number} for row in rows], option=orjson.OPT_NON_STR_KEYS)[1:-1]
        known = frozenset(secret.value for secret in secrets)
        kept = Kept(number, signature, state, secrets, len(rows), len(dumped), zlib.compress(dumped, 1), known)
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            total = sum(one.bytes for one in self._kept.values())
            while total > KEPT and len(self._kept) > 1:
                total -= self._kept.popitem(last=False)[1].bytes
        return kept

    def without(self, key: str, kept: Kept, masker: Masker, secrets: frozenset[str]) -> Kept:
        """The same records without secrets that only another run's files show to be some.

        Args:
            key: its path.
            kept: its records.
            masker: that knows all these secrets and numbers them as this store does.
            secrets: their values.
        """
        if secrets <= kept.without:
            return kept
        packed = b"[" + zlib.decompress(kept.packed) + b"]"
        if masker.may_mask(packed.decode()):
            found: list[dict[str, Any]] = orjson.loads(packed)
            made = self.put(key, kept.signature, kept.state, kept.secrets, [again(row, masker) for row in found])
        else:
            made = kept
        made = replace(made, without=kept.without | secrets)
        with self._lock:
            if key in self._kept:
                self._kept[key] = made
        return made

    def ask(self, sql: str, wanted: Sequence[Kept]) -> Table:
        """Answer one SELECT over the records of these attempts.

        Raises:
            MassgenLogError: with the engine's message, the columns and the nearest name for a question that can't be
                answered; for one that is refused, takes too long or too much memory, or has too large a result.
        """
        if sum(one.bytes for one in wanted) > KEPT:
            raise MassgenLogError(
                f"The records of these {len(wanted)} attempts have more than {KEPT // 1_000_000} MB. Name fewer logs."
            )
        with self._asking:
            stop.check()
            try:
                self._supply(wanted)
                told = self._told(b"a" + orjson.dumps({
                    "sql": encodable(sql), "places": [one.number for one in wanted], "seconds": self._seconds,
                }), self._seconds + 2)  # fmt: skip
            except BaseException:
                self._kill()
                raise
        if "error" in told:
            raise MassgenLogError(str(told["error"]))
        columns: list[str] = told["columns"]
        return Table(columns, [dict(zip(columns, row, strict=True)) for row in told["rows"]])

    def close(self) -> None:
        """End the worker."""
        with self._asking:
            self._kill()

    def _supply(self, wanted: Iterable[Kept]) -> None:
        """Give the worker what it lacks; what it has and needs no more goes when it is much."""
        if self._worker is None or self._worker.poll() is not None:
            self._kill()
            self._worker = subprocess.Popen(
                [sys.executable, "-P", "-m", "massgen_logs.records.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        with self._lock:
            current = {one.number for one in self._kept.values()} | {one.number for one in wanted}
        dead = [number for number in self._sent if number not in current]
        if sum(self._sent[number] for number in dead) > KEPT // 4:
            self._put_told(b"d" + orjson.dumps(dead))
            self._sent = {number: size for number, size in self._sent.items() if number in current}
        frame, size = list[bytes](), 0
        for one in wanted:
            if not one.rows or one.number in self._sent:
                continue
            stop.check()
            frame.append(zlib.decompress(one.packed))
            size += one.bytes
            self._sent[one.number] = one.bytes
            if size > _FRAME:
                self._put_told(b"p[" + b",".join(frame) + b"]")
                frame, size = [], 0
        if frame:
            self._put_told(b"p[" + b",".join(frame) + b"]")

    def _put_told(self, frame: bytes) -> None:
        told = self._told(frame, 60.0)
        if "error" in told:
            self._kill()
            raise MassgenLogError(str(told["error"]))

    def _told(self, frame: bytes, seconds: float) -> dict[str, Any]:
        """The worker's answer to a frame; an error if it dies of it or has to be killed, also because the caller has gone."""
        worker = self._worker
        if worker is None or worker.stdin is None or worker.stdout is None:
            raise MassgenLogError(_DIED)
        timer = threading.Timer(seconds, worker.kill)
        timer.start()
        try:
            with stop.ended_by(worker.kill):
                send(worker.stdin, frame)
                answer = receive(worker.stdout)
        except OSError:
            answer = None
        finally:
            timer.cancel()
        if answer is None:
            raise MassgenLogError(_DIED)
        return orjson.loads(answer)

    def _kill(self) -> None:
        worker, self._worker, self._sent = self._worker, None, {}
        if worker is not None:
            with contextlib.suppress(PermissionError):  # of a process that changed its user: the closed pipe ends it
                worker.kill()
            for stream in (worker.stdin, worker.stdout):
                try:
                    if stream is not None:
                        stream.close()
                except OSError:
                    continue
            worker.wait()
