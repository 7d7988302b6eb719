"""Rules about the end of a run: whether it ended, who won by which votes, and what was presented."""

from __future__ import annotations

from massgen_logs.analysis.findings.rule import Finding, Rule
from massgen_logs.analysis.overlap import COMMON, RELATED, final_overlap
from massgen_logs.analysis.voting import how_chosen, vote_reasons
from massgen_logs.run.model import Run

LIVE_LOCK_PER_AGENT = 3


def _no_end(run: Run, rule: Rule) -> list[Finding]:
    if run.ending.state != "unfinished":
        return []
    text = f"the run has no end: {run.ending.reason}"
    return [
        rule.finding("", text, [run.ending.src], answers=len(run.answers), votes=sum(v.accepted for v in run.votes))
    ]


def _timed_out(run: Run, rule: Rule) -> list[Finding]:
    if run.ending.state != "timed_out":
        return []
    places = [run.ending.src, *(m.src for m in run.moments if m.kind == "timeout")]
    text = f"the run timed out ({run.ending.reason}): {how_chosen(run)}"
    return [rule.finding("", text, places, limit_s=run.timeout_s, answers=len(run.answers))]


def _failed(run: Run, rule: Rule) -> list[Finding]:
    if run.ending.state != "failed":
        return []
    reason = run.ending.reason.split("\n", 1)[0]
    return [rule.finding("", f"the run failed: {reason}", [run.ending.src], answers=len(run.answers))]


def _live_lock(run: Run, rule: Rule) -> list[Finding]:
    ignored = [vote for vote in run.votes if vote.ignored]
    accepted = sum(vote.accepted for vote in run.votes)
    if len(ignored) < LIVE_LOCK_PER_AGENT * max(1, len(run.agents)) or accepted >= len(run.agents):
        return []
    text = f"live-lock: {len(ignored)} votes were ignored again and again, {accepted} accepted from {len(run.agents)} agents"
    return [rule.finding("", text, [ignored[0].src, ignored[-1].src], ignored=len(ignored), accepted=accepted)]


def _misrecorded(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(
            v.voter,
            f"the vote of {v.voter} was recorded for {v.voted_for}, its words mean {v.meant}",
            [v.file or v.src, v.src],
            f"a reading of {v.voter}'s reason that means {v.voted_for}",
            recorded=v.voted_for,
            meant=v.meant,
        )
        for v in run.votes
        if v.accepted and v.meant
    ]


def _tie(run: Run, rule: Rule) -> list[Finding]:
    votes = vote_reasons(run)
    if not votes.tie or run.winner is None:
        return []
    top = max(votes.tally.values())
    tied = [name for name, n in votes.tally.items() if n == top]
    places = [v.src for v in run.votes if v.counted]
    each = "1 vote" if top == 1 else f"{top} votes"
    text = f"{', '.join(tied)} have {each} each; {run.winner} won by order"
    return [rule.finding("", text, places, votes=top, tied=len(tied))]


def _own_vote_decided(run: Run, rule: Rule) -> list[Finding]:
    votes = vote_reasons(run)
    if run.winner is None or votes.final.get(run.winner) != run.winner or len(votes.final) < 2:
        return []
    without = votes.tally.get(run.winner, 0) - 1
    others = max((n for name, n in votes.tally.items() if name != run.winner), default=0)
    if without > others or (without >= 1 and others == 0):
        return []
    places = [v.src for v in run.votes if v.counted and v.voter == run.winner]
    text = f"{run.winner} won with its own vote: {without} without it, {others} for the next"
    return [rule.finding(run.winner, text, places, without=without, next=others)]


def _winner_not_top(run: Run, rule: Rule) -> list[Finding]:
    tally = vote_reasons(run).tally
    top = max(tally.values(), default=0)
    if run.winner is None or tally.get(run.winner, 0) >= top:
        return []
    places = [run.winner_src, *(v.src for v in run.votes if v.counted)]
    text = f"{run.winner} won with {tally.get(run.winner, 0)} votes, where another agent has {top}"
    return [rule.finding(run.winner, text, places, votes=tally.get(run.winner, 0), top=top)]


def _duplicate_answer(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    seen: dict[str, tuple[str | None, str]] = {}
    for answer in run.answers:
        key = " ".join((answer.text or "").split())
        if key and key in seen:
            label, src = seen[key]
            text = f"{answer.label} is the same text as {label} and was accepted"
            found.append(rule.finding(answer.label or "?", text, [answer.src, src], chars=len(key)))
        seen.setdefault(key, (answer.label, answer.src))
    return found


def _stored_final(run: Run, rule: Rule) -> list[Finding]:
    places = {a.label: a.src for a in run.answers}
    return [
        rule.finding("", note.text, [note.evidence, places.get(run.stored_answer, "")], answer=run.stored_answer)
        for note in run.notes
        if note.id == "stored_final"
    ]


def _unrelated_final(run: Run, rule: Rule) -> list[Finding]:
    own = [answer for answer in run.answers if answer.agent == run.winner and answer.text is not None]
    if run.final_text is None or not own:
        return []
    overlap = final_overlap(own[-1].text or "", run.final_text)
    if not overlap.unrelated:
        return []
    text = (
        f"the final answer shares almost nothing with {own[-1].label}, the winning answer: {overlap.common or 0:.0%} of its "
        f"words stand in the final one, {overlap.common_back or 0:.0%} of the final one's in it"
    )
    return [
        rule.finding(
            "", text, [run.final_src, own[-1].src], f"a reading of both texts in which {run.final_src} says what {own[-1].label} says",
            common=overlap.common, common_back=overlap.common_back,
        )
    ]  # fmt: skip


_RECORD = "MassGen's own record"

RULES = (
    Rule("no_end", "high", "no file records an end, last sign of life over two minutes old", _RECORD,
         "a later event or a final answer in the tree", _no_end, "FM-3.1"),
    Rule("timed_out", "high", "the orchestrator's time limit ended the run", _RECORD,
         "a final presentation that ended before the limit", _timed_out, "FM-1.5", "timeout"),
    Rule("failed", "high", "the run ended without a final answer, or never started", _RECORD, "a final answer in the tree", _failed,
         flag="failed"),
    Rule("live_lock", "high", f"ignored votes >= {LIVE_LOCK_PER_AGENT} an agent, fewer accepted than agents", "three restarts of everybody without progress",
         "an accepted vote of every agent", _live_lock, "FM-2.1", "votes_ignored", ("ignored",)),
    Rule("misrecorded_vote", "high", "the voter's words name another agent than was recorded", "run/meaning.py",
         "a reason that means the recorded agent", _misrecorded, flag="misattributed"),
    Rule("winner_not_top", "high", "another agent has more counted votes than the winner", _RECORD, "another count of the accepted votes",
         _winner_not_top, flag="winner_not_top"),
    Rule("unrelated_final", "high",
         f"winning and final answer have under {RELATED:.0%} of their words in common stretches and under {COMMON:.0%} of their different words in common, in both directions",
         "analysis/overlap.py: a paraphrase keeps names and numbers", "a reading of both texts in which they say the same", _unrelated_final, "FM-1.4", "unrelated_final"),
    Rule("tie", "medium", "the two highest counts are equal", _RECORD, "another count of the accepted votes", _tie, flag="tie"),
    Rule("stored_final", "medium", "the presented answer is the stored one: no presentation came to its end", _RECORD, "a presentation that ended", _stored_final, "FM-3.1",
         "stored_final"),
    Rule("duplicate_answer", "medium", "equal text after white space, accepted twice", _RECORD, "a difference between the two answers", _duplicate_answer, "FM-1.3",
         "duplicate_answer"),
    Rule("own_vote_decided", "low", "without its own vote the winner would not lead", _RECORD, "another count of the accepted votes", _own_vote_decided, flag="own_vote"),
)  # fmt: skip
