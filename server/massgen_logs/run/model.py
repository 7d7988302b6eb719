"""The Run and what it is made of. Times are Unix seconds; every fact carries `src`, where it can be looked up."""

from __future__ import annotations

from msgspec import Struct, field

from massgen_logs.readers.base import Problem as Problem  # part of the Run: re-exported
from massgen_logs.readers.base import Source as Source
from massgen_logs.readers.metrics_summary import Subagent
from massgen_logs.readers.status_json import API_ERRORS as API_ERRORS
from massgen_logs.readers.status_json import Enforcement as Enforcement
from massgen_logs.readers.status_json import RoundRecord as RoundRecord
from massgen_logs.readers.status_json import Usage as Usage
from massgen_logs.run.clock import Clock
from massgen_logs.run.ending import Ending

SILENCE_S = 10.0
"""Seconds from which on a silence is kept."""
ANY_AGENT = "*"
"""Stands for the agent where a version logs none."""


class Note(Struct, frozen=True):
    """Something that an answer must say unasked: a disagreement, a floor, a missing record. id groups equal notes; agent: of whom
    it is, where an analysis needs to know."""

    id: str
    text: str
    evidence: str = ""
    agent: str | None = None


class Agent(Struct):
    """One agent. dialect: which module of run/backends reads it; status and error as recorded in status.json."""

    id: str
    backend: str | None
    model: str | None
    dialect: str
    status: str | None = None
    error: str | None = None
    client_times: bool = False
    """The recorded times of its calls are its client's, with start-up and queueing: they are not the calls' own."""
    retries_told: bool = False
    """The logs show its requests that failed after partial output and were retried with success."""
    restarts: int | None = None
    executions: int | None = None
    """How often it was started anew, the first start not counted; None where it isn't recorded."""


class Answer(Struct, frozen=True):
    """An accepted answer. text is None where no file holds it. folder: AGENT/STAMP of its snapshot."""

    label: str | None
    agent: str
    t: float | None
    round: int | None
    text: str | None
    src: str
    folder: str | None = None


class Vote(Struct, frozen=True):
    """A vote as MassGen took it: accepted, ignored (dropped at a restart) or refused (by the fairness gate).

    superseded: accepted, but an answer restarted the voter, which mostly voted again. counted: the voter's last accepted vote, if
    it isn't superseded.
    meant: the agent that the voter's words name, where the tree proves that another one was recorded.
    """

    voter: str
    voted_for: str | None
    label: str | None
    reason: str | None
    accepted: bool
    ignored: bool
    refused: bool
    superseded: bool
    counted: bool
    round: int | None
    t: float | None
    src: str
    meant: str | None = None
    file: str | None = None
    """Its vote.json, with the numbering that the model saw; None where there is none."""

    @classmethod
    def of_accepted(
        cls, voter: str, voted_for: str | None, label: str | None, reason: str | None, round_: int | None, t: float | None, src: str,
        file: str | None = None,
    ) -> Vote:  # fmt: skip
        """An accepted vote, of which it is not known yet whether it counts or is superseded."""
        return cls(voter, voted_for, label, reason, True, False, False, False, False, round_, t, src, file=file)

    @classmethod
    def of_ignored(
        cls, voter: str, voted_for: str | None, reason: str | None, round_: int | None, t: float | None, src: str,
    ) -> Vote:  # fmt: skip
        """An ignored vote."""
        return cls(voter, voted_for, None, reason, False, True, False, False, False, round_, t, src)

    @classmethod
    def of_refused(
        cls, voter: str, voted_for: str | None, reason: str | None, round_: int | None, t: float | None, src: str,
    ) -> Vote:  # fmt: skip
        """A vote that the fairness gate refused."""
        return cls(voter, voted_for, None, reason, False, False, True, False, False, round_, t, src)

    @classmethod
    def of_dropped(cls, voter: str, voted_for: str | None, reason: str | None, t: float | None, src: str) -> Vote:
        """A vote that the backend dropped before MassGen saw it: none of the flags holds."""
        return cls(voter, voted_for, None, reason, False, False, False, False, False, None, t, src)


class Call(Struct):
    """One tool call. command: what it asked a shell to run, None for other tools.

    outcome: ok, failed, denied (refused, never ran), not_run (no such tool or server), open (no completion recorded),
    unknown (ran, but its exit code isn't recorded). recorded_ok: MassGen calls it a success. exec_s: the command's own
    time; elapsed_s: MassGen's, with queueing. output_chars: of its output; result_chars: of the whole result, as MassGen measures it,
    where times are found by it. execution: index of the agent's execution, 0-based. end_src: where its
    result and exit code stand, "" without one.
    """

    agent: str
    tool: str
    command: str | None
    args: dict[str, object]
    src: str
    t: float | None = None
    end: float | None = None
    elapsed_s: float | None = None
    exec_s: float | None = None
    outcome: str = "open"
    exit_code: int | None = None
    recorded_ok: bool | None = None
    output_chars: int | None = None
    result_chars: int | None = None
    error: str | None = None
    hidden: str | None = None
    round: int | None = None
    execution: int | None = None
    background: bool = False
    over_limit: bool = False
    """It ran longer than its own time limit and went on, whatever its recorded times say."""
    id: str | None = None
    end_src: str = ""

    @property
    def places(self) -> list[str]:
        """Where it can be looked up: its start, and its result where one is recorded."""
        return [self.src, self.end_src] if self.end_src and self.end_src != self.src else [self.src]

    @property
    def ran(self) -> bool:
        """True if the call was executed, or may have been."""
        return self.outcome not in {"denied", "not_run"}


class Execution(Struct, frozen=True):
    """One start of an agent. cause: the answer label (or other reason) that made it start anew; "" for the first."""

    agent: str
    index: int
    t: float | None
    round: int | None
    context: tuple[str, ...]
    cause: str
    src: str
    chars: int | None = None
    """Characters of reasoning and text since its start, None where no file tells them by execution."""


class Told(Struct, frozen=True):
    """A refused response that only massgen.log's text tells (to 0.1.36).

    agent: named by the retry line that follows, "*" where two agents' lines lie between each other. reason: in the words
    that later versions record. attempt: the number of the refused attempt, 1-based.
    """

    agent: str
    reason: str
    attempt: int
    detail: str
    t: float | None
    src: str


class Moment(Struct, frozen=True):
    """Something that happened besides answers, votes and calls: injection, error, timeout (of the orchestrator), round_timeout (of one
    agent), presentation, stopped (an agent says that its part is done), retry of a refused response, api_retry of a failed request."""

    t: float | None
    kind: str
    agent: str | None
    detail: str
    src: str


class Unconnected(Struct, frozen=True):
    """A try to connect to an MCP server that failed. why: in MassGen's words. The log names no agent: any may have made it."""

    server: str
    t: float | None
    why: str
    src: str


class Planted(Struct, frozen=True):
    """Words in a run that give orders to their reader. kind: as in run/planted.py; whose: what text it is; agent: who wrote
    it, or whose call brought it in; asked: commands, addresses and votes that it names."""

    kind: str
    whose: str
    agent: str | None
    t: float | None
    quote: str
    asked: tuple[str, ...]
    src: str


class Silence(Struct, frozen=True):
    """Between two events of an agent that was at work (from its start to its answer or vote, or to its end) nothing of it
    was recorded. before, after: the events that border it, "" where the log ends. late: text that it wrote in that time may have
    been recorded only after it, or lost with the process. start_up: nothing of it had been recorded yet."""

    agent: str
    start: float
    end: float
    before: str
    after: str
    late: bool = False
    start_up: bool = False


class AgentUsage(Struct, frozen=True):
    """Recorded tokens and cost, and the corrected figures where the tree proves the recorded ones wrong."""

    recorded: Usage
    corrected: Usage | None
    why: str | None
    unpriced: bool
    floor: bool
    """True where part of its use has no price."""


class Secret(Struct):
    """One secret that stands in clear in the run's files. places: the first ones, as file:line; count: all of them."""

    kind: str
    value: str
    places: list[str] = field(default_factory=list[str])
    count: int = 0

    def __repr__(self) -> str:
        """Without the value: what prints one by mistake tells nothing."""
        return f"Secret({self.kind!r}, places={self.places!r})"


class Secrets(Struct):
    """What was found in the run's files, and the files that were too large to be looked through."""

    found: list[Secret] = field(default_factory=list[Secret])
    skipped: list[str] = field(default_factory=list[str])


class Run(Struct):
    """One attempt, normalised."""

    session: str
    turn: int
    attempt: int
    attempts: int
    path: str
    version: str | None
    version_range: str | None
    question: str | None
    agents: dict[str, Agent]
    ending: Ending
    clock: Clock = Clock(0.0, None, False)
    started: float | None = None
    ended: float | None = None
    duration_s: float | None = None
    duration_src: str = ""
    winner: str | None = None
    winner_src: str = ""
    final_text: str | None = None
    final_src: str = ""
    stored_answer: str | None = None
    """Label of the accepted answer that stands as the final one again, because no presentation came to its end."""
    presentation_cut: bool = False
    """The final text is what was there of a presentation that a time-out or an interruption cut."""
    timeout_s: float | None = None
    logfire: bool | None = None
    """Whether it was made with --logfire; None where no file tells."""
    config: dict[str, object] = field(default_factory=dict[str, object])
    """Plain settings of the config's orchestrator part, from execution_metadata.yaml."""
    answers: list[Answer] = field(default_factory=list[Answer])
    votes: list[Vote] = field(default_factory=list[Vote])
    votes_ignored: int | None = 0
    votes_dropped: list[Vote] = field(default_factory=list[Vote])
    """Votes that the backend dropped before MassGen saw them: none of Vote's flags holds. voter "*": it can't be told whose."""
    calls: list[Call] = field(default_factory=list[Call])
    executions: list[Execution] = field(default_factory=list[Execution])
    moments: list[Moment] = field(default_factory=list[Moment])
    unconnected: list[Unconnected] = field(default_factory=list[Unconnected])
    begun: list[str] = field(default_factory=list[str])
    """Where massgen.log tells that this attempt begins: more than once after a restart that became no attempt of its own."""
    silences: list[Silence] | None = None
    """Those of SILENCE_S or more, from events.jsonl; None without that file."""
    enforcement: dict[str, tuple[Enforcement, ...]] | None = None
    refused_told: list[Told] | None = None
    """Refused responses that only a text tells; None where no file was read that would tell them."""
    retries_sent: dict[str, list[tuple[float | None, str]]] = field(
        default_factory=dict[str, "list[tuple[float | None, str]]"],
    )
    """(time, src) of each message of MassGen that asked an agent again, from massgen.log; empty where that isn't read."""
    chars_lost: dict[str, int] = field(default_factory=dict[str, int])
    unknown_tools: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    """Agent to tools that it called and did not have, each with its recorded calls: the call that ended the agent is none."""
    usage: dict[str, AgentUsage] = field(default_factory=dict[str, AgentUsage])
    unowned: Usage | None = None
    """Tokens that MassGen counted too much and whose agent can't be told; its cost is None."""
    cumulative_over: str | None = None
    rounds: list[RoundRecord] = field(default_factory=list[RoundRecord])
    """Recorded rounds of this attempt alone: cumulative files hold those of earlier attempts and turns too."""
    subagents: tuple[Subagent, ...] = ()
    total_cost: float | None = None
    recorded_tool_failures: int | None = None
    denied_recorded: bool = True
    calls_recorded: bool = True
    """False where no file that holds calls could be read: their numbers are unknown."""
    planted: list[Planted] | None = None
    """Texts that give orders to their reader; None: not looked for."""
    results_recorded: bool = True
    """False where the only file that holds calls has none of their results: how many failed is unknown."""
    notes: list[Note] = field(default_factory=list[Note])
    sources: list[Source] = field(default_factory=list[Source])
    missing: list[str] = field(default_factory=list[str])
    problems: list[Problem] = field(default_factory=list[Problem])
    secrets: Secrets | None = None
    """None where they were not looked for."""

    def note(self, id: str, text: str, evidence: str = "", agent: str | None = None) -> None:
        """Add a note."""
        self.notes.append(Note(id, text, evidence, agent))

    @property
    def status_missing(self) -> bool:
        """status.json, which this version writes, is not there or can't be read: what it alone records is unknown here, not in the version."""
        unreadable = any(source.file.startswith("status.json") and source.unreadable for source in self.sources)
        return "status.json" in self.missing or unreadable

    def server_of(self, tool: str) -> str | None:
        """The MCP server that a tool `mcp__SERVER__NAME` belongs to, if MassGen failed to connect to it."""
        return next((one.server for one in self.unconnected if tool.startswith(f"mcp__{one.server}__")), None)

    def since_start(self, t: float | None) -> float | None:
        """Seconds from the run's start to a Unix time; None where either isn't recorded."""
        return None if t is None or self.started is None else round(t - self.started, 3)
