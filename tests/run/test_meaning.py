"""Whom a voter meant, where MassGen recorded another agent."""

from __future__ import annotations

from conftest import CORPUS, SYNTHETIC_SAMPLES


def meant(ask, root: object) -> dict[str, str | None]:
    votes = ask("vote_reasons", "--logs-dir", str(root), key="votes")["data"]["votes"]
    return {vote["voter"]: vote["meant"] for vote in votes if vote["counted"]}


def test_an_id_that_moved(ask) -> None:
    """s1_clean_0.1.12 (SCENARIO.md): agent_b's words are about agent_a, recorded for agent_b itself."""
    root = CORPUS / "s1_clean_0.1.12"
    assert meant(ask, root) == {"agent_a": None, "agent_b": "agent_a"}
    flags = {flag["id"]: flag["text"] for flag in ask("run_overview", "--logs-dir", str(root))["data"]["red_flags"]}
    assert "recorded for agent_b" in flags["misattributed"]
    assert "tie" in flags


def test_a_label_resolved_as_an_id(ask) -> None:
    """0.1.55 with unsorted ids: three voters name agent2.1, alpha's answer; mid is recorded and wins."""
    root = next(s.root for s in SYNTHETIC_SAMPLES if s.name == "misrecorded_votes")
    assert set(meant(ask, root).values()) == {"alpha"}
    assert ask("vote_reasons", "--logs-dir", str(root))["data"]["meant_tally"] == {"alpha": 3}


def test_a_disagreeing_mapping_alone_proves_nothing(ask) -> None:
    """In these runs labels and ids disagree, and the voters meant whom MassGen recorded (SCENARIO.md)."""
    for name in ("s2_three_agents_0.1.46", "s2_three_agents_0.1.55", "s2_three_agents_0.1.97"):
        assert set(meant(ask, CORPUS / name).values()) == {None}
