"""export: hand the span records of logs on, as Parquet files or to an OTLP endpoint, secrets masked.

No tool: it writes and sends where the user's command line says, which no agent's argument may decide.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from massgen_logs.commands import STOPPED
from massgen_logs.commands.arguments import add_logs_dir, settle
from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.handles import SESSION
from massgen_logs.records.collect import ALL, places
from massgen_logs.records.rows import again, rows
from massgen_logs.text.mask import Masker
from massgen_logs.tools.loading import load_all
from massgen_logs.tree import Place, find_root


def main(arguments: list[str]) -> int:
    """Export; returns the exit code.

    Raises:
        MassgenLogError: if it can't be done, with what was done before.
    """
    options = parser().parse_args(arguments)
    options.log = ",".join(options.log) if options.log else "latest"
    settle(vars(options))
    log = options.log
    root = find_root(options.logs_dir, None if log == ALL else log.split(",")[0])
    wanted = places(root, log)
    try:
        if options.parquet is not None:
            _print(_to_parquet(_outside(Path(options.parquet), root), wanted))
        else:
            _print(_to_otlp(options.otlp, _headers(options.header), wanted, again=options.again))
    except KeyboardInterrupt:
        print("massgen-logs: stopped; the same command does the rest", file=sys.stderr)
        return STOPPED
    return 0


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(
        prog="massgen-logs export",
        description="Hand the span records of logs (see query-records) on: as Parquet files, or to an OTLP endpoint. Secrets are masked.",
    )
    to = made.add_mutually_exclusive_group(required=True)
    to.add_argument("--parquet", metavar="DIR", help="write DIR/day=.../session=.../records.parquet")
    to.add_argument("--otlp", metavar="ENDPOINT", help="send to this OTLP/HTTP endpoint, such as http://localhost:4318")
    made.add_argument(
        "--log", nargs="+", action="extend", metavar="LOG", help='logs; "all" for every one (default: latest)'
    )
    add_logs_dir(made)
    made.add_argument(
        "--header", nargs="+", action="extend", metavar="NAME=VALUE", default=[],
        help="sent with each request; OTEL_EXPORTER_OTLP_HEADERS keeps a token out of the list of processes",
    )  # fmt: skip
    made.add_argument("--again", action="store_true", help="send also what this endpoint has acknowledged before")
    return made


def _outside(folder: Path, root: Path) -> Path:
    """The folder to write to.

    Raises:
        MassgenLogError: if it lies in the log root or in any log.
    """
    real = Path(os.path.realpath(folder.expanduser()))
    if real == root or root in real.parents or any(SESSION.fullmatch(part) for part in real.parts):
        raise MassgenLogError(f"--parquet {quoted(str(folder))} lies among the logs ({root}): give a folder outside.")
    return real


def _headers(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not equals or not name.strip() or not (name + value).isprintable():
            raise MassgenLogError(
                "--header: NAME=VALUE is wanted (the one that isn't is not shown: it may be a secret)."
            )
        found[name.strip()] = value.strip()
    return found


class _Found:
    """The records of the attempts, loaded once: a secret that only one run's files show is masked in all. numbers: of those
    that were masked, the same in all that is exported by one command."""

    def __init__(self, wanted: Sequence[Place]) -> None:
        self._loaded = list(_bar(load_all(wanted), "reading logs", len(wanted)))
        self._secrets = [secret for one in self._loaded for secret in one.secrets]
        self._all = Masker(self._secrets, {})
        self.numbers: dict[str, int] = {}
        self.going = [_name(p) for p, one in zip(wanted, self._loaded, strict=True) if one.state == "in_progress"]
        self._wanted = wanted

    def __iter__(self) -> Iterator[tuple[Place, list[dict[str, Any]]]]:
        """Each attempt and its rows; none for one of which no file tells when it began."""
        for place, one in zip(self._wanted, self._loaded, strict=True):
            made = rows(one.records(), Masker(one.secrets, self.numbers))
            if self._all.may_mask(
                json.dumps(made, default=str, ensure_ascii=False)
            ):  # by what stands in another's file
                masker = Masker(self._secrets, self.numbers)
                made = [again(row, masker) for row in made]
            yield place, made


def _to_parquet(folder: Path, wanted: Sequence[Place]) -> list[str]:
    from massgen_logs.records import parquet  # here: the help need not wait for DuckDB

    files = total = 0
    found, untimed = _Found(wanted), list[str]()
    sessions = groupby(_bar(found, "writing logs", len(wanted)), lambda pair: pair[0].session.name)
    for session, own in sessions:
        written: list[dict[str, object]] = []
        for place, its in own:
            untimed += [] if its else [_name(place)]
            written += its
        files += len(parquet.write(folder, session, written))
        total += len(written)
    lines = [f"{total} records of {len(wanted)} attempts in {files} files below {folder}"]
    lines += (
        [f"read them: SELECT * FROM read_parquet('{folder}/**/*.parquet', hive_partitioning=true)"] if files else []
    )
    lines += [f"still in progress, export again later: {', '.join(found.going)}"] if found.going else []
    return lines + _rest(untimed, len(found.numbers))


def _to_otlp(endpoint: str, headers: dict[str, str], wanted: Sequence[Place], *, again: bool) -> list[str]:
    from massgen_logs.records import ledger, otlp

    url = otlp.address(endpoint)
    sender = otlp.Sender(url, headers)
    try:
        noted = ledger.place(url)
    except OSError as error:
        raise MassgenLogError(
            f"What was sent can't be noted ({error}): nothing was sent. XDG_CACHE_HOME names another cache folder."
        ) from error
    sent = known = 0
    untimed: list[str] = []
    try:
        found = _Found(wanted)
        for place, its in _bar(found, "sending logs", len(wanted)):
            if _name(place) in found.going:
                continue
            if not its:
                untimed.append(_name(place))
                continue
            trace = str(its[0]["trace_id"])
            if again:
                ledger.forget(noted, trace)
            before = ledger.sent(noted, trace)
            left = [row for row in its if row["span_id"] not in before]
            known += len(its) - len(left)
            for batch in otlp.batches(left):
                if reason := sender.send(batch):
                    raise MassgenLogError(
                        f"{url} took {sent} records, then no more: {reason}. The same command sends the rest."
                    )
                ledger.add(noted, trace, (str(row["span_id"]) for row in batch))
                sent += len(batch)
    finally:
        sender.close()
    lines = [f"{sent} records of {len(wanted)} attempts sent to {url}"]
    lines += [f"{known} that it has had before were not sent again (--again sends them)"] if known else []
    lines += [f"still in progress, not sent: {', '.join(found.going)}"] if found.going else []
    lines += [f"refused by it for good: {'; '.join(sender.refused)}"] if sender.refused else []
    return lines + _rest(untimed, len(found.numbers))


def _name(place: Place) -> str:
    return f"{place.session.name}:{place.turn.number}:{place.attempt.number}"


def _rest(untimed: Sequence[str], masked: int) -> list[str]:
    lines = [f"no file tells when they began, so no records: {', '.join(untimed)}"] if untimed else []
    return lines + ([f"masked secrets: {masked}"] if masked else [])


def _print(lines: Sequence[str]) -> None:
    print(Masker().text("\n".join(lines)))


def _bar(items: Iterable[Any], what: str, total: int) -> Iterator[Any]:
    """The items, with a progress bar on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, what, total, console=Console(stderr=True), transient=True)
