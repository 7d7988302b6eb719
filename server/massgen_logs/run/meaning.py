"""Whom a voter meant, where MassGen recorded its vote for another agent.

Two ways in which that happens:

- 0.1.52 to 0.1.60, agent ids not sorted in the config: the prompt shows answers by label (numbered in config order), the
  vote's agentN is resolved by sorted ids. Proof: the number that the model wrote is the number of a label that the same
  vote.json gives to another agent, that label was shown to the voter (context.txt, or an injected text), and the reason
  names it and nothing of the recorded agent. The first alone proves nothing: voters often mean whom MassGen recorded.
- 0.1.12 to 0.1.36: agentN numbers only the agents that have answered, so it moves. Proof: the prompt's `<agentN>` is one
  agent's answer, the `<agentN>` of an update handed to the voter later is another's, and the reason has words of content
  that stand only in the latter, and none that stands only in the former.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set

from msgspec.structs import replace

from massgen_logs.attempt import Attempt
from massgen_logs.readers import context_txt, update_message, vote_json
from massgen_logs.readers.base import Problem
from massgen_logs.readers.vote_json import VoteFile
from massgen_logs.run.events import LABEL
from massgen_logs.run.model import Answer, Vote

_WORD = re.compile(r"[^\W_]{4,}")
_NO_CONTENT = frozenset(_WORD.findall(
    "about above after again agent agents also although answer answers because been before being below best better both "
    "could does doing done down during each either every even first from have having here into itself just last less like "
    "made make makes many more most much must neither none only other others over same should since some still such than "
    "that their them then there these they this those though through under until upon very vote voted votes well were what "
    "when where whether which while whose will with within without would your",
))  # fmt: skip
"""Words of four or more letters that stand in any text, and those that every vote has."""


def with_meaning(
    votes: list[Vote], answers: list[Answer], attempt: Attempt, injected: Mapping[str, Set[str]], problems: list[Problem],
) -> list[Vote]:  # fmt: skip
    """The votes, `meant` set where the tree proves it; `injected`: answer labels that were shown to an agent while it worked."""
    files: dict[str, list[tuple[str, VoteFile]]] = {}
    folders = attempt.agent_folders()
    for agent, stamps in folders.items():
        for stamp in stamps:
            file = vote_json.read(attempt.file(agent, stamp, "vote.json")).value
            if file is not None:
                files.setdefault(agent, []).append((stamp, file))
    taken: dict[str, int] = {}
    found: list[Vote] = []
    for vote in votes:
        own = files.get(vote.voter, [])
        index = taken.get(vote.voter, 0)
        if vote.accepted and index < len(own):
            taken[vote.voter] = index + 1
            stamp, file = own[index]
            context = context_txt.read(attempt.file(vote.voter, stamp, "context.txt"))
            problems += context.named(f"{vote.voter}/{stamp}/context.txt")
            prompt = context.value.shown
            named = _by_label(vote, file, {*prompt, *injected.get(vote.voter, ())})
            named = named or _by_update(vote, answers, attempt, folders[vote.voter], stamp, prompt, problems)
            found.append(replace(vote, meant=named))
        else:
            found.append(vote)
    return found


def _by_label(vote: Vote, file: VoteFile, shown: Set[str]) -> str | None:
    reason = vote.reason or ""
    owners = {file.labels[label] for label in LABEL.findall(reason) if label in file.labels and label in shown}
    if len(owners) != 1 or vote.voted_for in owners or (vote.voted_for and vote.voted_for in reason):
        return None
    named = owners.pop()
    number = (file.anon or "").removeprefix("agent")
    return (
        named
        if any(owner == named and label.startswith(f"agent{number}.") for label, owner in file.labels.items())
        else None
    )


def _by_update(
    vote: Vote, answers: list[Answer], attempt: Attempt, stamps: list[str], stamp: str, prompt: Mapping[str, str],
    problems: list[Problem],
) -> str | None:  # fmt: skip
    for earlier in reversed([s for s in stamps if s < stamp]):
        update = update_message.read(attempt.file(vote.voter, earlier, "update_message.txt"))
        problems += update.named(f"{vote.voter}/{earlier}/update_message.txt")
        if update.source is None:
            return None  # its answer or vote before: what it was told earlier is not of this round
        for tag, new in update.value.items():
            first, second = _author(prompt.get(tag), answers), _author(new, answers)
            if first == vote.voted_for and second not in {None, first} and _of_one(vote.reason or "", new, prompt[tag]):
                return second
    return None


def _author(text: str | None, answers: list[Answer]) -> str | None:
    wanted = " ".join((text or "").split())
    return next(
        (a.agent for a in answers if wanted and a.text is not None and " ".join(a.text.split()) == wanted), None
    )


def _of_one(reason: str, one: str, other: str) -> bool:
    """True if the reason has words that stand in `one` and not in `other`, and none the other way round."""
    first, second = _content_words(one), _content_words(other)
    words = _content_words(reason)
    return bool(words & (first - second)) and not words & (second - first)


def _content_words(value: str) -> set[str]:
    return {word for word in _WORD.findall(value.casefold()) if not re.fullmatch(r"agent\d+", word)} - _NO_CONTENT
