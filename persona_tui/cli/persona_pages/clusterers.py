"""Other ways to group users, beside the mixture that personas are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.persona_phrases import bits
from persona_tui.engine.modeling.clusterer_comparison import ComparedClusterer

_WORDS: Final = {"kmeans": "k-means", "nmf": "NMF"}


def print_clusterers(page: Page, compared: Sequence[ComparedClusterer]) -> None:
    """Add how well each way to group users foretells users held out, and how stable its groups are."""
    page.heading("Ways to group users, into as many groups")
    page.table(
        ("", "bits per event", "excess", "error", "refits agree", "with mixture", "smallest"),
        [
            (
                _WORDS.get(each.name, each.name),
                f"{each.bits_per_event:.4f}",
                bits(each.excess) if place else "",
                f"{each.excess_error:.4f}" if place else "",
                f"{each.stability.mean:.2f}",
                f"{each.agreement:.2f}" if place else "",
                percent(each.smallest_share),
            )
            for place, each in enumerate(compared)
        ],
    )
    n_refits = compared[0].stability.n_refits
    page.sentence(
        "Bits per event of users held out, by the chains of the groups; lower is better. Excess: over the "
        f"mixture, with its standard error. Agreement: adjusted Rand index, 1 is full; of {n_refits} "
        "refits on users drawn again, and with the mixture's groups. "
        "Smallest: share of users of the smallest group."
    )
