"""How many personas there are, and why that many."""

from __future__ import annotations

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.persona_phrases import bits
from persona_tui.engine.modeling.ladder import LadderDescription
from persona_tui.engine.modeling.stability import Stability
from persona_tui.study.personas import DescribedPersonas


def print_number(page: Page, described: DescribedPersonas) -> None:
    """Add how many personas there are, with all that speaks for and against each number."""
    page.heading("How many personas")
    ladder, selection = described.ladder, described.selection
    if ladder is None or selection is None:
        page.sentence(_given_number(described))
        return
    if ladder.n_clusters == 1:
        page.sentence(f"One persona: no structure. On the ladder, {selection.reason}.")
    else:
        page.sentence(f"{ladder.n_clusters} personas: {selection.reason}.")
    for caution in ladder.cautions:
        page.sentence(caution, bullet=True)
    _print_held_out(page, ladder)
    _print_fits(page, ladder)


def _given_number(described: DescribedPersonas) -> str:
    n_users = described.prepared.sequences.n_users
    if n_users == 1:
        return "One persona: there is one user, so nobody can be held out."
    asked = _personas(described.segmentation.n_clusters)
    mixture = described.segmentation.mixture
    criteria = (
        "" if mixture is None else f" BIC {mixture.bic:,.0f}, ICL {mixture.icl:,.0f} (lower is better)."
    )
    return f"{asked}, as asked for; --clusters auto says how many foretell users held out best.{criteria}"


def _personas(number: int) -> str:
    return f"{number} persona" if number == 1 else f"{number} personas"


def _print_held_out(page: Page, ladder: LadderDescription) -> None:
    page.table(
        ("", "bits per event", "saved against one", "standard error", ""),
        [
            (
                _personas(rung.n_clusters),
                f"{rung.bits_per_event:.4f}",
                "" if rung.n_clusters == 1 else bits(rung.gain),
                "" if rung.n_clusters == 1 else f"{rung.gain_error:.4f}",
                "recommended" if rung.n_clusters == ladder.n_clusters else "",
            )
            for rung in (each.rung for each in ladder.rungs)
        ],
    )


def _print_fits(page: Page, ladder: LadderDescription) -> None:
    """Add what fits on all users say; a ladder of one persona alone has nothing to compare."""
    page.table(
        ("all users", "BIC", "ICL", "refits agree", "least to most", "smallest share"),
        [
            (
                _personas(each.rung.n_clusters),
                f"{each.bic:,.0f}",
                f"{each.icl:,.0f}",
                *_agreement(each.stability),
                percent(each.smallest_share),
            )
            for each in ladder.rungs
        ],
    )
    refits = next((each.stability.n_refits for each in ladder.rungs if each.stability is not None), 0)
    told = "BIC and ICL: lower is better."
    if refits:
        told += f" Agreement of {refits} refits on users drawn again: adjusted Rand index, 1 is full."
    page.sentence(told)


def _agreement(stability: Stability | None) -> tuple[str, str]:
    if stability is None:
        return "", ""
    return f"{stability.mean:.2f}", f"{stability.low:.2f} to {stability.high:.2f}"
