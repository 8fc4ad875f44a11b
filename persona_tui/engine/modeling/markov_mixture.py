"""A mixture of first-order Markov chains as it comes out of a fit: what personas are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.modeling.assignment import assign_users
from persona_tui.engine.types import FloatArray, IntArray, Unit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkovMixture:
    """A fitted mixture of Markov chains; personas in order of falling weight.

    Parameters
    ----------
    vocabulary : tuple of str, length V
        Event types; under ``user`` state V is ``return``.
    unit : {"user", "session"}
    completion, drop : frozenset of str
        Where journeys were cut.
    weights : array of shape (K,)
        Share of users.
    chains : array of shape (K, n + 1, n + 1)
        Row 0 the starts, row i + 1 the moves out of state i, the last column the exit.
    multiplicity : array of shape (R,)
        Users behind each distinct row of the counts that it was fitted on. A fit from buckets has one row
        for each bucket, so that it does not grow with the users.
    responsibilities : array of shape (R, K)
        Membership of each distinct row, under the final chains; the mean one of a bucket.
    fitted_responsibilities : array of shape (R, K)
        Memberships that the final chains and weights were estimated from.
    bound_history : array of shape (n_iter,)
        The penalised log-likelihood before each update; it never falls.
    log_likelihood : float
    entropy : float
        Of the memberships of all users together, under the final chains, in natural-log units.
    converged : bool
    restarted : int
        How often a persona that stood for nobody was made anew.
    prior : float
        Pseudo-moves that shrink each row of a chain toward the pooled one.
    pooled : array of shape (n + 1, n + 1)
    n_moves, n_sources : int
        Moves that occur, and states (the start among them) that they leave.
    """

    vocabulary: tuple[str, ...]
    unit: Unit
    completion: frozenset[str]
    drop: frozenset[str]
    weights: FloatArray
    chains: FloatArray
    multiplicity: FloatArray
    responsibilities: FloatArray
    fitted_responsibilities: FloatArray
    bound_history: FloatArray
    log_likelihood: float
    entropy: float
    converged: bool
    restarted: int
    prior: float
    pooled: FloatArray
    n_moves: int
    n_sources: int

    @property
    def n_clusters(self) -> int:
        """Return the number of personas."""
        return len(self.weights)

    @property
    def n_users(self) -> float:
        """Return the number of users that it was fitted on."""
        return float(self.multiplicity.sum())

    @property
    def n_parameters(self) -> int:
        """Return the number of free parameters: weights, and each chain's moves that occur."""
        return self.n_clusters - 1 + self.n_clusters * (self.n_moves - self.n_sources)

    @property
    def bic(self) -> float:
        """Return the Bayesian information criterion, lower is better.

        References
        ----------
        Schwarz (1978), Estimating the dimension of a model, *Annals of Statistics* 6, 461-464.
        """
        return -2.0 * self.log_likelihood + self.n_parameters * float(np.log(self.n_users))

    @property
    def icl(self) -> float:
        """Return the integrated completed likelihood: the criterion that also charges for overlap.

        References
        ----------
        Biernacki, Celeux & Govaert (2000), Assessing a mixture model for clustering with the
        integrated completed likelihood, *IEEE PAMI* 22, 719-725.
        """
        return self.bic + 2.0 * self.entropy

    def predict(self, sequences: Sequences, *, first: int | None = None) -> IntArray:
        """Return the likeliest persona of each user of any log, shape (U,); see ``assign_users``."""
        return assign_users(self, sequences, first=first).labels

    def predict_proba(self, sequences: Sequences, *, first: int | None = None) -> FloatArray:
        """Return the memberships of the users of any log, shape (U, K); see ``assign_users``.

        Parameters
        ----------
        sequences : Sequences
            For the log of the fit, cut with its own ``censor``, the memberships are those of the fit.
        first : int, optional
            Look only at the first so many events of each user: what was known by then.
        """
        return assign_users(self, sequences, first=first).memberships

    def score(self, sequences: Sequences) -> float:
        """Return the mean number of bits that an event of a log costs, lower is better.

        Notes
        -----
        ``-sum log2 p(user) / sum events``: exits and returns cost bits too, but are no events. Events
        and moves that ``assign_users`` leaves out cost nothing; it tells how many there are.
        """
        return assign_users(self, sequences).bits_per_event

    def save(self, path: str | Path) -> None:
        """Write the mixture to one file, without user ids; it appears whole or not at all.

        Raises
        ------
        ExportError
            If the file cannot be written.
        """
        from persona_tui.engine.modeling.saved_mixture import write_mixture  # noqa: PLC0415 - it builds this

        write_mixture(self, path)

    @classmethod
    def load(cls, path: str | Path) -> MarkovMixture:
        """Return the mixture that was saved to a file, exactly.

        Raises
        ------
        DataError
            If there is no such file, or it is damaged, foreign or of another schema.
        """
        from persona_tui.engine.modeling.saved_mixture import read_mixture  # noqa: PLC0415 - it builds this

        return read_mixture(path)
