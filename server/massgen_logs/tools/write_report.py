"""write_report: the only tool that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct
from msgspec.structs import replace

from massgen_logs.errors import MassgenLogError
from massgen_logs.text.clean import encodable
from massgen_logs.tools.base import Result, Tool

if TYPE_CHECKING:
    from massgen_logs.report.material import Material
    from massgen_logs.run.model import Run
    from massgen_logs.text.mask import Masker
    from massgen_logs.tree import Place

_SHOWN = 60


class Written(Struct, frozen=True):
    """path: the report; data_path: its ANALYSIS_REPORT.json; kept: where the earlier report was kept, or None; chars: length
    of the report; masked: secrets masked in either; issues: id and title of each suggested Linear issue."""

    path: str
    data_path: str
    kept: str | None
    chars: int
    masked: int
    issues: dict[str, str]


def write_report(
    run: Run,
    place: Place,
    judgements: Annotated[
        str | None,
        'the line "Draft: KEY" of the draft, then for each of its marks, #1 to the last, "### Place N" and its text',
    ] = None,
    content: Annotated[str | None, "instead: the whole report in Markdown"] = None,
    overwrite: Annotated[bool, "replace an existing report, which is kept beside the new one"] = False,
    ground_truth: Annotated[
        str | None, "the true answer, only if the user gave it; allows claims of correctness"
    ] = None,
) -> Result:
    """Save ANALYSIS_REPORT.md, and ANALYSIS_REPORT.json with the measured figures, into the turn's folder: the draft with
    your judgements, or content. Refused, naming all that is wrong, if a place or section lacks its text, a number in a table
    contradicts the measured one (mark your estimate with "est." or "~"), or an answer is called correct without ground truth.

    Args:
        run: the run.
        place: where it is.
        judgements: see above.
        content: see above.
        overwrite: see above.
        ground_truth: see above.
    """
    from massgen_logs.report.data import as_json, report_data
    from massgen_logs.report.fingerprints import DATA, fingerprints
    from massgen_logs.report.header import with_ground_truth
    from massgen_logs.report.issues import with_ids
    from massgen_logs.report.write import write
    from massgen_logs.text.mask import Masked
    from massgen_logs.tools.masking import masker_of

    if (judgements is None) == (content is None):
        raise MassgenLogError("write_report takes judgements or content, one of them.")
    truth = str(encodable(ground_truth or "")).strip()
    masker = masker_of(run)
    if judgements is not None:
        report, material, wrong = _judged(run, place, str(encodable(judgements)), truth=bool(truth))
    else:
        report, material, wrong = _whole(run, place, str(encodable(content)), masker, truth=bool(truth))
    if wrong:
        wrong += ["a report exists: overwrite=true replaces it"] if place.turn.analyzed and not overwrite else []
        rest = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise MassgenLogError(
            f"The report was not saved, {len(wrong)} things are wrong:\n- " + "\n- ".join([*wrong[:_SHOWN], *rest])
            + "\nMend them and call write_report again.",
        )  # fmt: skip
    report = with_ids(with_ground_truth(report, truth) if truth else report)
    text = Masked(masker.text(report if report.endswith("\n") else report + "\n").encode("utf-8", "replace").decode())
    data = report_data(material, text, fingerprints(place, (source.file for source in run.sources)), truth or None)
    kept = write(place.turn.path, text, Masked(as_json(masker.value(data))), overwrite=overwrite)
    issues = {issue.id: issue.title for issue in data.suggested_issues}
    beside = place.turn.path / DATA
    return Result(
        Written(str(place.turn.report), str(beside), str(kept) if kept else None, len(text), masker.count, issues)
    )


def _judged(run: Run, place: Place, given: str, *, truth: bool) -> tuple[str, Material, list[str]]:
    """The draft with these judgements, what it was made from, and what is wrong with them.

    Raises:
        MassgenLogError: if they are of another draft than this run's.
    """
    from massgen_logs.report.check import lacking
    from massgen_logs.report.draft import draft, measured
    from massgen_logs.report.figures import contradictions
    from massgen_logs.report.gaps import filled, gaps, key
    from massgen_logs.report.header import with_logfire
    from massgen_logs.report.judgements import parse, texts_for, wrong_with
    from massgen_logs.report.language import LANGUAGES, Say
    from massgen_logs.report.material import gather
    from massgen_logs.text.mask import Masker

    judgements = parse(given)
    material = gather(run, place, "en", Masker())  # as draft_report does it, so that the places are the same
    for language in LANGUAGES:
        material = replace(material, say=Say(language))
        text = draft(material)
        places = gaps(text)
        if judgements.key == key(run, language, places):
            break
    else:
        raise MassgenLogError(
            'The report was not saved: the judgements must begin with the line "Draft: KEY" that draft_report told.'
            if judgements.key is None
            else f"The report was not saved: Draft: {judgements.key} is of another run, turn, attempt or set of places than "
            f"{run.session} turn {run.turn} attempt {run.attempt} has now. Give log, turn and attempt as for draft_report; if the run "
            "has gone on, draft it again."
        )
    agents = list(run.agents)
    wrong = wrong_with(judgements, places, agents, ground_truth=truth)
    report = filled(with_logfire(text, judgements.head), places, texts_for(judgements, places))
    wrong += [] if wrong else lacking(report.report)
    for one in contradictions(report.report, measured(material)):
        line, _, said = one.partition(": ")
        number = report.place_of(int(line.removeprefix("line ")))
        wrong += [f"place {number}: {said}"] if number else []
    return report.report, material, wrong


def _whole(run: Run, place: Place, content: str, masker: Masker, *, truth: bool) -> tuple[str, Material, list[str]]:
    """A whole report, without the frame in which draft_report handed its draft over; the rest as `_judged`."""
    from massgen_logs.report.check import problems
    from massgen_logs.report.draft import draft, measured
    from massgen_logs.report.figures import contradictions
    from massgen_logs.report.language import language_of
    from massgen_logs.report.material import gather
    from massgen_logs.report.structure import from_title

    if content.startswith("draft_report · "):
        content = from_title(content) or content
    material = gather(run, place, language_of(content), masker, traces=False)
    known = masker.text(measured(material))
    drafted = {*known.split("\n"), *masker.text(draft(material)).split("\n")}
    wrong = problems(content, ground_truth=truth, agents=run.agents, drafted=drafted)
    return content, material, wrong + contradictions(content, known)


def render(data: Any) -> list[str]:
    """Where it is."""
    lines = [f"saved {data['path']} ({data['chars']} chars) and {data['data_path']}"]
    lines += [f"suggested issue {id}: {title}" for id, title in data["issues"].items()]
    lines += [f"the earlier report is kept as {data['kept']}"] if data["kept"] else []
    return lines + ([f"{data['masked']} secrets in it were masked"] if data["masked"] else [])


TOOL = Tool(
    "write_report",
    "Save the analysis report",
    write_report,
    render,
    orders=True,
    needs="place",
    writes=True,
    parts=False,
)
