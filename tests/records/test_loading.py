"""Attempts loaded by several processes are those loaded by one, whatever happens to the processes."""

from __future__ import annotations

import contextvars
import pickle
import subprocess
import sys
import threading

import pytest

from conftest import CORPUS
from massgen_logs import stop
from massgen_logs.errors import MassgenLogError
from massgen_logs.records.collect import places
from massgen_logs.records.frames import send
from massgen_logs.tools import loading
from massgen_logs.tree import Place


def of(*samples: str) -> list[Place]:
    return [p for s in samples for p in places(CORPUS / s / ".massgen" / "massgen_logs", "all")]


WANTED = of("s1_clean_0.1.97", "s7a_multiturn_0.1.97", "s1_clean_0.1.12", "s21_secrets_0.1.80")


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Two processes, and those that took their places, as they are begun."""
    begun: list[subprocess.Popen[bytes]] = []

    class Popen(subprocess.Popen):
        def __init__(self, *given, **named) -> None:
            super().__init__(*given, **named)
            begun.append(self)

    monkeypatch.setattr(loading.subprocess, "Popen", Popen)
    monkeypatch.setattr(loading, "_EACH", 1)
    monkeypatch.setattr(loading, "_cores", lambda: 2)
    return begun


def test_helpers_load_what_one_process_loads(helpers: list[subprocess.Popen[bytes]]) -> None:
    """In the same order: signature, state, secrets and every record; afterwards none of them is left."""
    alone = [loading.loaded(place) for place in WANTED]
    together = list(loading.load_all(WANTED))
    assert len(helpers) == 2
    for one, other in zip(alone, together, strict=True):
        assert (other.signature, other.state, other.secrets) == (one.signature, one.state, one.secrets)
        assert other.records() == one.records() != []
    assert all(helper.poll() is not None for helper in helpers)
    assert any(one.secrets for one in alone)


def test_a_helper_that_dies_loses_nothing(helpers: list[subprocess.Popen[bytes]]) -> None:
    """Its attempt is loaded here, and another takes its place."""
    found = loading.load_all(WANTED)
    first = next(found)
    for helper in helpers[:2]:
        helper.kill()
    rest = list(found)
    assert [one.signature for one in (first, *rest)] == [place.attempt.signature() for place in WANTED]
    assert all(helper.poll() is not None for helper in helpers)


def test_helpers_end_when_the_caller_goes(helpers: list[subprocess.Popen[bytes]]) -> None:
    """Also in the middle of their work."""
    errors: list[str] = []
    begun = threading.Event()

    def load() -> None:
        for _ in loading.load_all(WANTED * 100):
            begun.set()

    def work() -> None:
        with pytest.raises(MassgenLogError) as error:
            load()
        errors.append(str(error.value))

    with stop.when_left():
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
        assert begun.wait(60)
    thread.join(60)
    assert errors == ["The call was cancelled."]
    assert all(helper.poll() is not None for helper in helpers)


def test_a_helper_goes_with_its_server() -> None:
    """Its input closes then, and it ends in the middle of its work."""
    code = "import massgen_logs.tools.loading as l, time; l.loaded = lambda _: time.sleep(600); l.help_()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as helper:
        assert helper.stdin is not None
        send(helper.stdin, pickle.dumps(WANTED[0]))
        helper.stdin.close()
        assert helper.wait(60) == 0
