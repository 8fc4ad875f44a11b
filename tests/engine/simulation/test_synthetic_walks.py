"""Journeys of synthetic users and how they end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.effects import Friction
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import Flow, StateKind
from persona_tui.engine.simulation.paths import Outcome
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.privacy import PrivacyRule, RareSequences, find_rare_sequences
from persona_tui.engine.simulation.synthetic_walks import WalkedJourneys, walk_journeys, walk_privately

SEED = normalise_seed(3)
HORIZON = 512


def ends_of(journeys: WalkedJourneys):
    return journeys.states[np.cumsum(journeys.lengths) - 1]


def rare_of(flow: Flow, persona: int, rule: PrivacyRule) -> RareSequences:
    """Return what is protected of a log in which the events of a few walks happened to a user each."""
    n = sum(kind != StateKind.RETURN for kind in flow.kinds)
    walked = walk_journeys(flow, persona, 40, HORIZON, normalise_seed(8))
    runs = np.split(walked.states, np.cumsum(walked.lengths)[:-1])
    events = {
        f"u{number}": [[flow.states[code] for code in run if code < n]] for number, run in enumerate(runs)
    }
    everything = {"all": [list(flow.states[:n])]}
    return find_rare_sequences(cut_journeys(encode_sequences(make_log({**events, **everything}))), rule)


@given(flows, st.floats(0.01, 0.5))
def test_whoever_drops_shows_a_drop_event_last(flow, factor):
    changed = Friction(factor=factor).apply(flow)
    journeys = walk_journeys(changed, 0, 200, HORIZON, SEED)
    dropped = ends_of(journeys)[journeys.outcomes == Outcome.DROPPED]
    drops = [*np.flatnonzero(changed.kinds == StateKind.DROP), changed.n_states]
    assert np.isin(dropped, drops).all()


def test_leaving_because_of_friction_is_not_told_where_it_is_no_drop():
    changed = Friction(factor=0.5).apply(line_flow(0.9, 0.9))
    assert walk_journeys(changed, 0, 500, HORIZON, SEED).states.max() < changed.n_states


@given(flows)
def test_no_journey_is_protected_and_outcomes_stay(flow):
    rule = PrivacyRule(length=3, k=1)
    rare = rare_of(flow, 0, rule)
    first = walk_journeys(flow, 0, 300, HORIZON, np.random.SeedSequence(3, spawn_key=(0,)))
    private, matches = walk_privately(flow, 0, 300, HORIZON, SEED, rare=rare)
    again, rest = walk_privately(flow, 0, 300, HORIZON, SEED, rare=rare)
    assert (private.outcomes == first.outcomes).all()
    assert (matches >= 0).all()
    assert (again.states == private.states).all()
    assert (rest == matches).all()
    events = private.states < len(rare.words)
    owners = np.repeat(np.arange(300), private.lengths)[events]
    assert (rare.match(private.states[events], np.bincount(owners, minlength=300)) == -1).all()


def test_a_log_of_which_nothing_may_be_shown_is_refused():
    log = make_log({"u": [list("abcdefx")], "v": [list("abcdefx")]})
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.pooled(encode_sequences(log), prior=0.0), completion_events={"x"}
    )
    rare = find_rare_sequences(simulator.journeys, PrivacyRule())
    with pytest.raises(SimulationError, match="ends as converted is that of few real users"):
        walk_privately(simulator.flow, 0, 10, HORIZON, SEED, rare=rare)
