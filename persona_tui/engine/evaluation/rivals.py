"""What ordinary classifiers make of the same first events: the mark that personas are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from persona_tui.engine.evaluation.prefixes import NO_STEP
from persona_tui.engine.types import BoolArray, CodeArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_KINDS: Final = 254
"""Values of a step that boosting can take as kinds; with more, their numbers are taken as sizes."""


def rival_chances(
    states: CodeArray, kinds: IntArray, outcomes: BoolArray, *, seed: int
) -> dict[str, FloatArray]:
    """Return the chance that classifiers give each beginning.

    Parameters
    ----------
    states : int32 array of shape (D, L)
        Distinct beginnings, filled up with -1.
    kinds : int64 array of shape (E,)
        The beginning of each training journey.
    outcomes : bool array of shape (E,)
        Which of these converted; both occur.
    seed : int

    Returns
    -------
    dict of str to array of shape (D,)

    Notes
    -----
    Logistic regression on the counts of the moves of a beginning, its start among them: all that a
    first-order chain can see of it; L2, C = 1. Gradient boosting on its steps, one by one.
    """
    # sklearn takes 0.95 s to import, only rivals need it
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    features = _move_counts(states)
    n_each = np.bincount(kinds, minlength=len(states))
    n_converted = np.bincount(kinds[outcomes], minlength=len(states))
    seen = np.flatnonzero(n_each)
    linear = LogisticRegression(max_iter=5_000)
    linear.fit(
        features[np.concatenate([seen, seen])],
        np.repeat([True, False], len(seen)),
        sample_weight=np.concatenate([n_converted[seen], (n_each - n_converted)[seen]]),
    )
    steps = (states - NO_STEP).astype(float)
    boosted = HistGradientBoostingClassifier(
        categorical_features=range(steps.shape[1]) if steps.max() <= MOST_KINDS else None,
        early_stopping=False,
        random_state=seed,
    )
    boosted.fit(steps[kinds], outcomes)
    return {
        "logistic regression": linear.predict_proba(features)[:, 1],
        "gradient boosting": boosted.predict_proba(steps)[:, 1],
    }


def _move_counts(states: CodeArray) -> csr_array:
    """Return how often each move occurs in each beginning, sparse, shape (D, F)."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s, only models need it

    base = int(states.max()) + 2
    sources = np.column_stack([np.full(len(states), base - 1), states[:, :-1]]).astype(np.int64)
    made = states != NO_STEP
    _, columns = np.unique((sources * base + states)[made], return_inverse=True)
    rows = np.nonzero(made)[0]
    return csr_array((np.ones(len(rows)), (rows, columns)))
