"""Who personas are, in numbers that hold: shares, traits, attributes, signature, paths and users."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from persona_tui.engine.analytics.cards import PersonaCard, build_persona_cards
from persona_tui.engine.modeling.behaviour import (
    BehaviouralTrait,
    TraitSums,
    TraitTables,
    compare_traits,
    hour_directions,
    mean_hours,
    measure_users,
    tabulate_traits,
)
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.enrichment import (
    AttributeLifts,
    ValueSums,
    ValueTable,
    attribute_lifts,
    tabulate_values,
)
from persona_tui.engine.modeling.paths import (
    RateLift,
    choose_paths,
    find_paths,
    rate_lifts,
    typical_journey,
)
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.modeling.typical_users import (
    EarlyConversion,
    ExampleUser,
    early_conversions,
    example_users,
    label_early,
)
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.membership_draws import PersonaSums, sum_by_persona, user_memberships
from persona_tui.engine.simulation.uncertainty import FlowDraws
from persona_tui.engine.statistics import Interval, interval
from persona_tui.engine.types import FloatArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_LEAST_CHANCE = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaProfile:
    """All that is told of one persona.

    Parameters
    ----------
    card : PersonaCard
        Name, share of journeys and observed conversion, which is descriptive: membership saw the outcome.
    user_share : float
        Of all users, memberships counted in parts.
    user_share_interval : (float, float)
        95 % interval of the user bootstrap.
    early_conversion : EarlyConversion
        Of the users whom their first three events alone assign to the persona.
    traits : tuple of BehaviouralTrait
    mean_hour : float
        Circular mean of the hour at which sessions begin, UTC.
    attributes : AttributeLifts
    event_rates : tuple of float, length V
        How often a journey does each event of the vocabulary.
    signature : tuple of RateLift
        Events that it does more than the others.
    paths : tuple of RateLift
        Paths that its journeys hold more often than the others'.
    typical_journey : tuple of str
        The likeliest move at each step; ``return`` where that is to leave and come back.
    typical_users, borderline_users : tuple of ExampleUser
    """

    card: PersonaCard
    user_share: float
    user_share_interval: Interval
    early_conversion: EarlyConversion
    traits: tuple[BehaviouralTrait, ...]
    mean_hour: float
    attributes: AttributeLifts
    event_rates: tuple[float, ...]
    signature: tuple[RateLift, ...]
    paths: tuple[RateLift, ...]
    typical_journey: tuple[str, ...]
    typical_users: tuple[ExampleUser, ...]
    borderline_users: tuple[ExampleUser, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Candidates:
    """Events or paths that may tell a persona: their words, who holds them, and those of each persona."""

    events: list[tuple[str, ...]]
    matrix: csr_array
    wanted: list[list[int]]


def describe_personas(
    simulator: ProductFlowSimulator,
    segmentation: SegmentationResult,
    draws: FlowDraws,
    excluded: Collection[int] = (),
) -> tuple[PersonaProfile, ...]:
    """Return who each persona is.

    Parameters
    ----------
    simulator : ProductFlowSimulator
        With the attributes of its users where lifts of attributes are wanted.
    segmentation : SegmentationResult
        What its generator was made from.
    draws : FlowDraws
        For every interval; nothing is drawn at random beside them but how equal users share a weight.
    excluded : collection of int
        Positions of the personas that predictions leave out; they are described all the same.

    Notes
    -----
    Everything is a sum over users by persona, taken once for the fit and once for each draw, memberships
    estimated anew: ``sum_by_persona``. On 1 M events of 50 000 users and 400 draws it takes a tenth of
    the time of the draws themselves.

    Examples
    --------
    >>> from persona_tui.engine.data.samples import make_sample_events
    >>> from persona_tui.engine.data.times import parse_times
    >>> from persona_tui.engine.modeling.segmentation import cluster_event_sequences
    >>> from persona_tui.engine.rng import normalise_seed
    >>> from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
    >>> from persona_tui.engine.simulation.uncertainty import draw_flows
    >>> events = make_sample_events(0)
    >>> events = events.with_columns(parse_times(events["timestamp"]))
    >>> segmentation = cluster_event_sequences(events, 2, completion={"signup_complete"}, drop={"drop_off"})
    >>> generator = MarkovPersonaGenerator.from_events(events, segmentation=segmentation)
    >>> simulator = ProductFlowSimulator(
    ...     generator, completion_events={"signup_complete"}, drop_events={"drop_off"})
    >>> draws = draw_flows(simulator, 20, normalise_seed(0))
    >>> profile = describe_personas(simulator, segmentation, draws)[0]
    >>> [(each.name, each.magnitude) for each in profile.traits[:2]]
    [('pace', 'large'), ('depth', 'small')]
    """
    counts, memberships = simulator.counts, user_memberships(simulator)
    cards = build_persona_cards(simulator, segmentation, draws, excluded)
    journeys = counts.n_journeys[counts.row_of_user]
    events, paths = _events(counts, cards), _paths(counts, memberships, journeys)
    traits = tabulate_traits(measure_users(simulator.generator.sequences, counts.journeys))
    values = tabulate_values(simulator.attributes, len(memberships))
    sums = sum_by_persona(
        draws,
        {
            **_tables(simulator, journeys, traits),
            "events": events.matrix,
            "paths": paths.matrix,
            "values": values.matrix,
        },
    )
    (shares, share_intervals), chains = _user_shares(sums), simulator.estimate_chains(simulator.moved)
    ends = counts.journeys.completion | counts.journeys.drop
    early = early_conversions(counts.journeys, label_early(counts.journeys, chains, shares), len(cards))
    compared, rates = _compare_traits(traits, sums), _event_rates(simulator)
    lifts = _lift_attributes(values, sums, memberships)
    signatures, chosen = _lift(events, sums, "events"), _lift(paths, sums, "paths")
    examples = example_users(counts, _joint(counts, chains, shares))
    return tuple(
        PersonaProfile(
            card=card,
            user_share=float(shares[k]),
            user_share_interval=share_intervals[k],
            early_conversion=early[k],
            traits=compared[k],
            mean_hour=float(mean_hours(sums.fitted["hours"][k])),
            attributes=lifts[k],
            event_rates=tuple(rates[k].tolist()),
            signature=signatures[k],
            paths=chosen[k],
            typical_journey=typical_journey(chains[k], counts.journeys.vocabulary, ends),
            typical_users=examples[k].typical,
            borderline_users=examples[k].borderline,
        )
        for k, card in enumerate(cards)
    )


def _event_rates(simulator: ProductFlowSimulator) -> FloatArray:
    """Return how often a journey of each persona does each event, shape (K, V)."""
    counts, moved = simulator.counts, simulator.moved
    done = np.zeros((len(moved), counts.n_states + 1))
    np.add.at(done.T, counts.targets, moved.T)
    journeys = moved[:, counts.moves < counts.n_states].sum(axis=1, keepdims=True)
    rates: FloatArray = done[:, : len(counts.journeys.vocabulary)] / journeys
    return rates


def _tables(
    simulator: ProductFlowSimulator, journeys: FloatArray, traits: TraitTables
) -> dict[str, csr_array]:
    """Return what is told of every user: that there is one, journeys, hours of sessions, and traits."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s

    return {
        "totals": csr_array(np.column_stack([np.ones(len(journeys)), journeys])),
        "hours": csr_array(hour_directions(simulator.generator.sequences)),
        "known": traits.known,
        "traits": traits.values,
        "squares": traits.squares,
    }


def _user_shares(sums: PersonaSums) -> tuple[FloatArray, list[Interval]]:
    """Return each persona's share of users, shape (K,), with its interval."""
    users, drawn = sums.fitted["totals"][:, 0], sums.drawn["totals"][..., 0]
    drawn = drawn / drawn.sum(axis=1, keepdims=True)
    return users / users.sum(), [interval(each) for each in drawn.T]


def _events(counts: TransitionCounts, cards: tuple[PersonaCard, ...]) -> _Candidates:
    """Return the signature events of personas, with how often each user does them."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s

    names = list(dict.fromkeys(name for card in cards for name in card.signature_events))
    codes = np.array([counts.journeys.vocabulary.index(name) for name in names], dtype=np.int64)
    is_entry = csr_array(np.equal.outer(counts.targets, codes).astype(float))
    return _Candidates(
        events=[(name,) for name in names],
        matrix=(counts.matrix @ is_entry)[counts.row_of_user],
        wanted=[[names.index(name) for name in card.signature_events] for card in cards],
    )


def _paths(counts: TransitionCounts, memberships: FloatArray, journeys: FloatArray) -> _Candidates:
    """Return the paths that set personas apart, with the journeys of each user that hold them."""
    vocabulary = counts.journeys.vocabulary
    table = find_paths(counts.journeys)
    chosen = choose_paths(table, memberships, journeys)
    places = list(dict.fromkeys(place for each in chosen for place in each))
    return _Candidates(
        events=[tuple(vocabulary[code] for code in table.paths[place]) for place in places],
        matrix=table.matrix[:, np.array(places, dtype=np.int64)],
        wanted=[[places.index(place) for place in each] for each in chosen],
    )


def _lift(candidates: _Candidates, sums: PersonaSums, name: str) -> list[tuple[RateLift, ...]]:
    return rate_lifts(
        candidates.events,
        candidates.wanted,
        held=sums.fitted[name],
        journeys=sums.fitted["totals"][:, 1],
        drawn_held=sums.drawn[name],
        drawn_journeys=sums.drawn["totals"][..., 1],
    )


def _compare_traits(tables: TraitTables, sums: PersonaSums) -> list[tuple[BehaviouralTrait, ...]]:
    fitted, drawn = (
        TraitSums(known=each["known"], values=each["traits"], squares=each["squares"])
        for each in (sums.fitted, sums.drawn)
    )
    return compare_traits(tables, fitted, drawn)


def _lift_attributes(table: ValueTable, sums: PersonaSums, memberships: FloatArray) -> list[AttributeLifts]:
    values = ValueSums(
        fitted=sums.fitted["values"],
        drawn=sums.drawn["values"],
        overlap=sums.overlap,
        drawn_overlap=sums.drawn_overlap,
    )
    return attribute_lifts(table, values, memberships)


def _joint(counts: TransitionCounts, chains: FloatArray, shares: FloatArray) -> FloatArray:
    """Return log share + log-likelihood of each distinct row under each persona, shape (R, K)."""
    moves = np.log(np.maximum(chains[:, counts.sources, counts.targets], _LEAST_CHANCE))
    joint: FloatArray = counts.matrix @ moves.T + np.log(np.maximum(shares, _LEAST_CHANCE))
    return joint
