"""Oracles for the empirical prior: rows drawn with a known strength, of personas of any shares."""

import numpy as np
import pytest

from persona_tui.engine.modeling.shrinkage import MOST_PRIOR, estimate_prior
from persona_tui.engine.modeling.steps import MoveTable
from persona_tui.engine.types import FloatArray

N_ROWS, N_EVENTS = 12, 8


def _tabulate(moved: FloatArray) -> tuple[MoveTable, FloatArray]:
    """Return the table and the counts of moves of shape (rows, events, K)."""
    pooled = moved.sum(axis=2) / moved.sum(axis=(1, 2))[:, None]
    n_rows, n_events, n_clusters = moved.shape
    nothing = np.zeros((0, n_rows * n_events))
    table = MoveTable(
        matrix=nothing,
        transposed=nothing.T,
        first_of_row=np.arange(n_rows) * n_events,
        row_of_move=np.repeat(np.arange(n_rows), n_events),
        pooled=pooled.reshape(-1, 1),
        unseen=np.zeros((n_rows, 1)),
        unseen_log=0.0,
        prior=1.0,
    )
    return table, moved.reshape(-1, n_clusters)


def _drawn(shares: list[float], strength: float, n_moves: int, seed: int) -> tuple[MoveTable, FloatArray]:
    """Return personas whose rows are drawn round rows of their own with some strength."""
    generator = np.random.default_rng(seed)
    moved = np.zeros((N_ROWS, N_EVENTS, len(shares)))
    for row in range(N_ROWS):
        centre = generator.dirichlet(np.full(N_EVENTS, 2.0))
        for persona, share in enumerate(shares):
            chances = generator.dirichlet(strength * centre)
            moved[row, :, persona] = generator.multinomial(round(n_moves * share), chances)
    return _tabulate(moved)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.8, 0.2], [0.95, 0.05], [0.25] * 4, [0.7, 0.1, 0.1, 0.1]])
def test_the_strength_that_rows_were_drawn_with_is_found_whatever_the_shares_of_personas(
    shares: list[float],
) -> None:
    found = [estimate_prior(*_drawn(shares, 20.0, 5_000, seed)) for seed in range(12)]

    assert np.median(found) == pytest.approx(20.0, rel=0.35)


def test_few_moves_do_not_make_personas_of_equal_share_look_alike() -> None:
    found = [estimate_prior(*_drawn([0.5, 0.5], 200.0, 500, seed)) for seed in range(12)]

    assert np.median(found) == pytest.approx(200.0, rel=0.35)


def test_a_small_persona_that_is_unlike_the_others_is_not_shrunk_into_the_pooled_chain() -> None:
    found = [estimate_prior(*_drawn([0.95, 0.05], 20.0, 1_000, seed)) for seed in range(12)]

    assert max(found) < 100.0


def test_one_persona_is_the_pooled_chain() -> None:
    assert estimate_prior(*_drawn([1.0], 20.0, 1_000, 0)) > 0.9 * MOST_PRIOR


def test_personas_that_are_alike_are_the_pooled_chain() -> None:
    table, moved = _drawn([1.0], 20.0, 1_000, 0)

    assert estimate_prior(table, moved * np.array([0.7, 0.3])) > 0.9 * MOST_PRIOR


def test_a_persona_of_nobody_changes_nothing_for_the_others() -> None:
    table, moved = _drawn([0.6, 0.4], 20.0, 1_000, 0)
    with_nobody = np.hstack([moved, np.zeros((len(moved), 1))])

    assert estimate_prior(table, with_nobody) == pytest.approx(estimate_prior(table, moved))
