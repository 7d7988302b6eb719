"""`massgen-logs analyze --mode self`: a team of MassGen's own agents judges a run, and the report is saved.

The agents read through this program's own server and can write nothing. Their final answer holds a text for each marked
place of the draft (MassGen lets no tool take more than 15,000 characters, less than most reports have); this command puts
the texts in and saves the report through write_report, so that it is checked, masked and written as any other. The team's
own logs, its configuration and its output stay in a folder of their own in the cache.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from massgen_logs.commands import STOPPED, team
from massgen_logs.errors import MassgenLogError
from massgen_logs.handles import is_file, open_folder
from massgen_logs.records.ledger import cache
from massgen_logs.report.gaps import Gap, filled, gaps
from massgen_logs.report.judgements import parse
from massgen_logs.report.structure import from_title
from massgen_logs.text.clean import clean
from massgen_logs.text.mask import Masked, Masker
from massgen_logs.tools.base import call
from massgen_logs.tools.masking import load, masker_of
from massgen_logs.tools.registry import get
from massgen_logs.tree import Place, find_root, resolve

INSIDE = "MASSGEN_LOGS_SELF_ANALYSIS"
"""Set in the environment of an analysis run, so that none starts another."""

_LOGS = "massgen_logs"
_OUTPUT = "massgen_output.txt"
_REJECTED = "ANALYSIS_REPORT.rejected.md"
_UI = {"automation": ["--automation"], "rich_terminal": [], "webui": ["--web"]}
"""MassGen's flags for each --ui."""
_TAIL = 2_000


def main(options: argparse.Namespace) -> int:
    """Analyse one turn; returns the exit code: 0 saved or declined, 130 interrupted.

    Args:
        options: those of analyze.

    Raises:
        MassgenLogError: if no report was saved; it says why, and where the agents' texts are.
    """
    if os.environ.get(INSIDE):
        raise MassgenLogError(f"This is an analysis run itself ({INSIDE} is set): it starts no other one.")
    root = find_root(options.logs_dir, options.log)
    if is_file(root.parent / team.TEMPLATE):
        raise MassgenLogError(f"{root} holds the logs of an analysis run: --mode self doesn't analyse those.")
    place = resolve(root, options.log, options.turn)
    _refuse_living(place)
    people = sys.stdin.isatty() and sys.stdout.isatty()
    ui: str = options.ui or ("rich_terminal" if people else "automation")
    overwrite = place.turn.analyzed
    if overwrite and not options.force and not _agreed(place, people and ui != "automation"):
        print("Nothing was done.")
        return 0
    template = team.template()
    task: str = template["task"]
    config = _configuration(template, options, root)
    command = team.massgen_command(os.environ)
    names = {"log": place.session.name, "turn": place.turn.number, "attempt": place.attempt.number}
    draft: str = call(get("draft_report"), {**names, "logs_dir": str(root)}).data["markdown"]
    places = gaps(draft)
    folder = _folder(place)
    with open_folder(folder) as made:
        made.create(team.TEMPLATE, team.dumped(config))
        made.create("draft.md", draft.encode())
    _tell(f"{' '.join(command)} analyses {place.session.name} turn {place.turn.number}")
    _tell(f"the team's own logs, configuration and output: {folder}")
    arguments = [*command, "--config", str(folder / team.TEMPLATE), "--no-session-registry", *_UI[ui]]
    environ = {**os.environ, INSIDE: "1", "MASSGEN_LOG_BASE_DIR": str(folder / _LOGS)}
    output = folder / _OUTPUT if ui == "automation" else None
    try:
        code = team.run([*arguments, _question(task, place, places)], folder, environ, output)
        content = _report(folder, code, draft, places)
    except KeyboardInterrupt:
        content = _after_interrupt(ui, folder, draft, places)
        if content is None:
            _tell(f"interrupted: no report was saved; {folder} has the team's logs")
            return STOPPED
    _save(folder, {**names, "logs_dir": str(root)}, content, overwrite=overwrite)
    return 0


def _after_interrupt(ui: str, folder: Path, draft: str, places: list[Gap]) -> Masked | None:
    """The report of a team that had finished: MassGen's web server goes on until it is interrupted. None for any other."""
    if ui != "webui":
        return None
    try:
        return _report(folder, STOPPED, draft, places)
    except MassgenLogError:
        return None


def _agreed(place: Place, ask: bool) -> bool:
    """Whether the user lets an existing report be replaced.

    Raises:
        MassgenLogError: if nobody can be asked.
    """
    if not ask:
        raise MassgenLogError(f"{place.turn.report} exists. --force replaces it and keeps it beside the new one.")
    answer = input(f"{place.turn.report} exists. Replace it, and keep it beside the new one? [y/N] ")
    return answer.strip().lower() in {"y", "yes"}


def _configuration(template: dict[str, Any], options: argparse.Namespace, root: Path) -> dict[str, Any]:
    logfire = bool(os.environ.get("LOGFIRE_READ_TOKEN"))
    own = team.read_yaml(Path(options.config).expanduser()) if options.config else None
    models = None if own else team.choose(options.model or (), options.backend, options.base_url, os.environ)
    if not logfire:
        _tell("LOGFIRE_READ_TOKEN is not set: the Logfire server is left out, local logs only")
    return team.configuration(template, own, models, root, logfire=logfire)


def _save(folder: Path, place: dict[str, Any], content: Masked, *, overwrite: bool) -> None:
    """Check and save the team's report as write_report does any, and print where it is.

    Raises:
        MassgenLogError: if it is not saved; it is kept in `folder` then.
    """
    try:
        saved = call(get("write_report"), {**place, "content": content, "overwrite": overwrite})
    except MassgenLogError as error:
        with open_folder(folder) as made:
            made.create(_REJECTED, content.encode("utf-8", "replace"))
        where = f"--logs-dir {shlex.quote(place['logs_dir'])} --log {place['log']} --turn {place['turn']}"
        raise MassgenLogError(
            f"{error}\nThe team's report is kept in {folder / _REJECTED}. Mend it there, then:\n"
            f"massgen-logs write-report {where} --content @{shlex.quote(str(folder / _REJECTED))}"
        ) from error
    sys.stdout.buffer.write(saved.text().encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


def _refuse_living(place: Place) -> None:
    """Refuse a run whose figures may still change.

    Raises:
        MassgenLogError: for such a run.
    """
    if load(place, orders=False).ending.state == "in_progress":
        raise MassgenLogError(f"{place.session.name} is in progress: analyse it when it has ended.")


def _folder(place: Place) -> Path:
    """A new folder in the cache for what the team leaves, readable by its owner only; in the temporary folder if there is
    no place for a cache."""
    name = f"{place.session.name}_turn_{place.turn.number}_{datetime.now():%Y%m%d_%H%M%S_%f}"
    folder = cache() / "self-analysis"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).mkdir(0o700)
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"massgen-logs_{name}_"))
    return folder / name


def _question(task: str, place: Place, places: list[Gap]) -> str:
    """The team's question: fixed words, the log's name and numbers, and the fixed names of the draft's places."""
    lines = [f"Place {gap.number}: {gap.name}" for gap in places]
    scope = f'log="{place.session.name}", turn={place.turn.number}, attempt={place.attempt.number}'
    return f"{task}\nThe run: {scope}\n\nThe places, in the draft's order:\n" + "\n".join(lines)


def _report(folder: Path, code: int, draft: str, places: list[Gap]) -> Masked:
    """The report from the team's own log: the final answer's texts, and for a place that it lacks the texts of the winner's
    answers, then the others'. A whole report as the final answer is taken as it is.

    Raises:
        MassgenLogError: if the team came to no final answer.
    """
    try:
        run = load(resolve(find_root(str(folder / _LOGS))), orders=False)
    except MassgenLogError:
        raise MassgenLogError(f"MassGen ended with exit code {code} and left no log.{_output(folder)}") from None
    if run.winner is None or not run.final_text or run.ending.state not in {"finished", "timed_out"}:
        raise MassgenLogError(
            f"The team came to no final answer ({run.ending.state}: {run.ending.reason}; exit code {code}); no report was "
            f"saved. Its logs: massgen-logs run-overview --logs-dir {folder / _LOGS}{_output(folder)}"
        )
    masker = masker_of(run)
    report = from_title(run.final_text)
    if report is not None:
        return Masked(masker.text(clean(report)))
    answers = sorted(run.answers, key=lambda answer: answer.agent == run.winner)
    texts = {number: text for answer in answers for number, text in parse(answer.text or "").texts.items()}
    final = parse(run.final_text).texts
    numbers = {gap.number for gap in places}
    if rest := sorted(numbers & texts.keys() - final.keys()):
        _tell(f"the final answer lacks places {', '.join(map(str, rest))}: texts of earlier answers fill them")
    return Masked(masker.text(clean(filled(draft, places, {**texts, **final}).report)))


def _output(folder: Path) -> str:
    """The end of what MassGen printed, for a message."""
    try:
        with open_folder(folder) as made:
            size = made.status(_OUTPUT).st_size
            text = made.read(_OUTPUT, size)[-_TAIL:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
    return f"\n{folder / _OUTPUT} ends with:\n{Masker().text(clean(text))}" if text else ""


def _tell(text: str) -> None:
    print(Masker().text(f"massgen-logs: {clean(text)}"), file=sys.stderr, flush=True)
