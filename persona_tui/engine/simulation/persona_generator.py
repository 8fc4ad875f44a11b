"""Personas as chains: one a persona, or one for all users together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import Sequences, encode_sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.naming import EVERYONE
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.modeling.shrinkage import DEFAULT_PRIOR
from persona_tui.engine.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkovPersonaGenerator:
    """The users of a log with their memberships: what chains are estimated from.

    The chains themselves depend on what counts as completion and as drop-off, so they
    are estimated by the simulator that knows it.

    Parameters
    ----------
    sequences : Sequences
    names : tuple of str, length K
    memberships : array of shape (U, K)
        Each row sums to one; what the chains are estimated from.
    soft : bool
        Whether memberships come from a mixture, and so are estimated anew in every bootstrap draw.
    prior : float
        Pseudo-moves that shrink each row of a chain toward the pooled row.
    """

    sequences: Sequences
    names: tuple[str, ...]
    memberships: FloatArray
    soft: bool
    prior: float

    @property
    def n_clusters(self) -> int:
        """Return the number of personas."""
        return len(self.names)

    @classmethod
    def from_events(
        cls,
        events: pl.DataFrame,
        *,
        segmentation: SegmentationResult | None = None,
        prior: float | None = None,
    ) -> Self:
        """Return the generator of a log.

        Parameters
        ----------
        events : DataFrame
            An event log with canonical columns.
        segmentation : SegmentationResult, optional
            One chain a persona; without it, one chain for all users.
        prior : float, optional
            The one that the personas were fitted with. Zero gives maximum-likelihood chains.

        Raises
        ------
        ModelingError
            If the segmentation is of other users.
        """
        sequences = encode_sequences(events)
        if segmentation is None:
            return cls.pooled(sequences, prior=DEFAULT_PRIOR if prior is None else prior)
        return cls.from_sequences(sequences, segmentation, prior=prior)

    @classmethod
    def pooled(cls, sequences: Sequences, *, prior: float = DEFAULT_PRIOR) -> Self:
        """Return the generator with one chain for all users."""
        return cls(
            sequences=sequences,
            names=(EVERYONE,),
            memberships=np.ones((sequences.n_users, 1)),
            soft=False,
            prior=prior,
        )

    @classmethod
    def from_sequences(
        cls, sequences: Sequences, segmentation: SegmentationResult, *, prior: float | None = None
    ) -> Self:
        """Return the generator of a log that is encoded already, one chain a persona.

        Without a prior it is the one that the personas were fitted with.
        """
        if segmentation.user_ids != sequences.user_ids:
            raise ModelingError(
                f"The segmentation has {len(segmentation.user_ids)} users, the log "
                f"{sequences.n_users}, and they are not the same.",
                hint="Cluster the same events that the generator gets.",
            )
        mixture = segmentation.mixture
        if prior is None:
            prior = DEFAULT_PRIOR if mixture is None else mixture.prior
        return cls(
            sequences=sequences,
            names=segmentation.names,
            memberships=segmentation.fitted_memberships,
            soft=mixture is not None,
            prior=prior,
        )
