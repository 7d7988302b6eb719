"""The display of `massgen-logs watch` on a terminal. Uses rich; log text in it is masked and never taken for markup."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from massgen_logs.analysis import living
from massgen_logs.run.live import LiveAgent, LiveRun
from massgen_logs.text.clean import flat
from massgen_logs.text.mask import Masker
from massgen_logs.text.table import dollars, seconds
from massgen_logs.tools.watch_run import sentence, state_of

_STYLES = {
    "working": "green",
    "slow": "yellow",
    "stuck": "bold red",
    "silent": "bold red",
    "finished": "green",
    "failed": "red",
}


@contextmanager
def display(console: Console | None = None) -> Generator[Callable[[list[LiveRun]], None]]:
    """Gives what redraws the state in place; the last one stays on the screen."""
    masker = Masker()
    with Live(console=console or Console(highlight=False), refresh_per_second=4) as live:
        yield lambda runs: live.update(Group(*(part for run in runs for part in of_run(run, masker))), refresh=True)


def of_run(run: LiveRun, masker: Masker) -> list[RenderableType]:
    """A line, a bar of MassGen's percentage, a table of the agents, and what the pace means."""
    found = living.pace(run)
    running = run.state == "in_progress"

    def safe(text: object, limit: int = 100) -> Text:
        return Text(flat(masker.text("-" if text is None else str(text)), limit))

    head = Text.assemble((run.session, "bold"), f" · turn {run.turn} · attempt {run.attempt} of {run.attempts} · ")
    head.append_text(safe(state_of(run)))
    head.append(f" · {seconds(run.elapsed_s)} s · {dollars(run.cost_usd)}{' or more' if run.cost_is_floor else ''}")
    if run.winner:
        head.append(" · winner: ").append_text(safe(run.winner))
    bar = ProgressBar(
        total=100, completed=min(100.0, run.completion or 0.0), width=60, pulse=running and not run.completion
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("agent", "status", "answers", "votes for", "now", "quiet", "cost", "error"):
        table.add_column(name, overflow="fold")
    for agent in run.agents:
        cells = (
            agent.id, agent.status, agent.answers, agent.voted_for, _now(agent) if running else None,
            f"{seconds(agent.quiet_s)} s" if running and agent.quiet_s is not None else None, dollars(agent.cost_usd), agent.error,
        )  # fmt: skip
        table.add_row(*map(safe, cells), style=_STYLES.get(living.agent_pace(agent), "") if running else "")
    told = safe(sentence(run, masker), 400)
    told.stylize(_STYLES.get(found or run.state, ""))
    return [head, bar, table, told, Text("")]


def _now(agent: LiveAgent) -> str:
    call = living.longest(agent.open_calls)
    return agent.doing if call is None else f"{call.tool} {call.command or ''} {seconds(call.open_s)} s"
