"""write_report: the only tool that writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from massgen_logs.errors import MassgenLogError
from massgen_logs.report.check import problems
from massgen_logs.report.structure import TITLE
from massgen_logs.report.write import write
from massgen_logs.run.model import Run
from massgen_logs.text.mask import Masker
from massgen_logs.tools.base import Result, Tool
from massgen_logs.tree import Place

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Written:
    """path: the report; kept: where the earlier report was kept, or None; chars: length of what was written."""

    path: str
    kept: str | None
    chars: int
    masked: int


def write_report(
    run: Run,
    place: Place,
    content: Annotated[str, "the whole report in Markdown"],
    overwrite: Annotated[bool, "replace an existing report, which is kept beside the new one"] = False,
    ground_truth: Annotated[
        str | None, "the true answer, only if the user gave it; allows claims of correctness"
    ] = None,
) -> Result:
    """Save ANALYSIS_REPORT.md into the turn's folder. Refused, with everything that is wrong, if a section is missing, a
    marked place is unfilled, or an answer is called correct without ground truth from the user.

    Args:
        run: the run.
        place: where it is.
        content: see above.
        overwrite: see above.
        ground_truth: see above.
    """
    if content.startswith("draft_report · ") and TITLE in content:
        content = content[content.index(TITLE) :]  # the frame in which draft_report handed the draft over
    wrong = problems(content, ground_truth=bool(ground_truth and ground_truth.strip()), agents=run.agents)
    if wrong:
        rest = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise MassgenLogError(
            f"The report was not saved, {len(wrong)} things are wrong:\n- " + "\n- ".join([*wrong[:_SHOWN], *rest])
            + "\nMend them and call write_report again; draft_report shows every section.",
        )  # fmt: skip
    masker = Masker()
    text = masker.text(content if content.endswith("\n") else content + "\n")
    kept = write(place.turn.report, text, overwrite=overwrite)
    return Result(Written(str(place.turn.report), str(kept) if kept else None, len(text), masker.count))


def render(data: Any) -> list[str]:
    """Where it is."""
    lines = [f"saved {data['path']} ({data['chars']} chars)"]
    lines += [f"the earlier report is kept as {data['kept']}"] if data["kept"] else []
    return lines + ([f"{data['masked']} secrets in it were masked"] if data["masked"] else [])


TOOL = Tool("write_report", "Save the analysis report", write_report, render, needs="place", writes=True)
