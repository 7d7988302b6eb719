"""A run with the secrets of its files, and the masker that knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massgen_logs.text.mask import Masker

if TYPE_CHECKING:
    from massgen_logs.run.model import Run
    from massgen_logs.tree import Place

_AT_ONCE = 20_000
"""Characters of a long run's texts that are looked through together."""


def load(place: Place, *, orders: bool) -> Run:
    """The Run of an attempt, its files looked through for secrets. orders: whether texts that give orders are wanted."""
    from massgen_logs.run import load as runs  # here: a list of logs needs no run
    from massgen_logs.run import secrets
    from massgen_logs.text.find import find_in, find_plain

    run = runs.load(place, orders=orders)
    if run.secrets is None:
        run.secrets = secrets.collect(
            run, place.attempt, find_plain, lambda texts: find_in(texts, find_plain, _AT_ONCE)
        )
    return run


def masker_of(*runs: Run) -> Masker:
    """A Masker that knows the secrets in the files of these runs, whatever stands around them in an answer."""
    return Masker(one for run in runs if run.secrets for one in run.secrets.found)
