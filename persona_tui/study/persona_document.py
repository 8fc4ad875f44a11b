"""The one document of personas: what ``persona-tui personas --json`` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from persona_tui import __version__
from persona_tui.engine.analytics.profiles import PersonaProfile
from persona_tui.engine.modeling.clusterer_comparison import ComparedClusterer
from persona_tui.engine.modeling.dwell_checks import DwellCheck
from persona_tui.engine.modeling.ladder import LadderDescription
from persona_tui.engine.modeling.order_checks import OrderCheck
from persona_tui.engine.statistics import Interval
from persona_tui.study.kept_personas import KeptPersona
from persona_tui.study.personas import DescribedPersonas, PersonaComparison
from persona_tui.study.results import card_document, facts_document, libraries

SCHEMA: Final = "persona-tui/personas/1"


def persona_document(
    described: DescribedPersonas,
    *,
    comparison: PersonaComparison | None = None,
    clusterers: Sequence[ComparedClusterer] | None = None,
) -> dict[str, Any]:
    """Return all that is told of personas as one document of plain values.

    Parameters
    ----------
    described : DescribedPersonas
    comparison : PersonaComparison, optional
        Where two personas were asked to be compared.
    clusterers : sequence of ComparedClusterer, optional
        Where other ways to group users were asked for.

    Returns
    -------
    dict
        A number that does not exist is None. ``selection``: the ladder of users held out, None where the
        number was given. ``ladder``: the same with what fits on all users say: ``bic``, ``icl``,
        ``smallest_share``, ``stability`` (adjusted Rand index of refits: ``mean``, least ``low``, largest
        ``high``), and ``cautions``. ``fit``: these criteria of the fit that is shown. ``personas``: each
        with ``share`` (of journeys; ``share_interval``), ``user_share``, ``conversion`` (observed, so that
        membership saw it), ``early_conversion`` (of those whom their first three events put there),
        ``traits`` (``effect`` in standard deviations, beside raw means), ``attributes`` (``lifts`` against
        all users, ``q_value`` over all ``tested`` cells), ``signature`` and ``paths`` (lifts against the
        other personas), ``typical_journey``, ``typical_users``, ``borderline_users``, ``order`` (bits per
        event at order 0, 1 and 2), ``runs`` and ``waits`` (against what a chain without a memory implies).
        ``movement``: what became of the personas since the study's fit before, None where nothing moved.
        ``order``: of all personas together, None where too few users can be held out. ``comparison`` and
        ``clusterers``: None where not asked for. Intervals are 95 %.
    """
    selection, mixture = described.selection, described.segmentation.mixture
    order = described.order
    document = {
        "schema": SCHEMA,
        "data": facts_document(described.prepared.facts),
        "n_clusters": described.segmentation.n_clusters,
        "selection": None if selection is None else asdict(selection),
        "ladder": None if described.ladder is None else _ladder(described.ladder),
        "fit": None
        if mixture is None
        else {
            "bic": mixture.bic,
            "icl": mixture.icl,
            "smallest_share": min(each.user_share for each in described.profiles),
        },
        "personas": [
            _persona(described, position, profile, settled)
            for position, (profile, settled) in enumerate(
                zip(described.profiles, described.settled, strict=True)
            )
        ],
        **({"without": described.without} if described.without else {}),
        "sure_share": described.sure_share,
        "order": None if order is None else _order(order.total, "All personas"),
        "comparison": None if comparison is None else _comparison(comparison),
        "clusterers": None if clusterers is None else [asdict(each) for each in clusterers],
        "not_found": [each.document() for each in described.lost],
        "movement": (movement := described.remembered.movement) and movement.document(),
        "recipe": {
            "seed": described.settings.seed,
            "version": __version__,
            "settings": described.resolved(),
            "libraries": libraries(),
        },
    }
    finite: dict[str, Any] = _finite(document)
    return finite


def _finite(value: Any) -> Any:  # noqa: ANN401 - any plain value
    """Return a value with None in place of numbers that do not exist, however deep."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _ladder(ladder: LadderDescription) -> dict[str, Any]:
    return {
        "n_clusters": ladder.n_clusters,
        "reason": ladder.reason,
        "cautions": ladder.cautions,
        "rungs": [
            {
                **asdict(each.rung),
                "bic": each.bic,
                "icl": each.icl,
                "smallest_share": each.smallest_share,
                "stability": None if each.stability is None else asdict(each.stability),
            }
            for each in ladder.rungs
        ],
    }


def _persona(
    described: DescribedPersonas, position: int, profile: PersonaProfile, settled: KeptPersona
) -> dict[str, Any]:
    card, early, order = profile.card, profile.early_conversion, described.order
    told = asdict(profile)
    return {
        **card_document(card),
        "share_interval": card.share_interval,
        "generated_name": settled.generated,
        "pinned": settled.place == card.id,
        **({"excluded": True} if settled.excluded else {}),
        "user_share": _estimate(profile.user_share, profile.user_share_interval),
        "early_conversion": {
            **_estimate(early.value, None if early.value is None else early.interval),
            "users": early.n_users,
        },
        "traits": told["traits"],
        "mean_hour": profile.mean_hour,
        "attributes": {
            "statement": profile.attributes.statement,
            "tested": profile.attributes.n_tested,
            "suppressed": profile.attributes.n_suppressed,
            "left_out": profile.attributes.left_out,
            "lifts": [{**asdict(each), "notable": each.notable} for each in profile.attributes.lifts],
        },
        **{
            name: told[name]
            for name in ("signature", "paths", "typical_journey", "typical_users", "borderline_users")
        },
        "order": None if order is None else _order(order.personas[position], card.name),
        "runs": _dwell(described.runs, position),
        "waits": _dwell(described.waits, position),
    }


def _estimate(value: float | None, ends: Interval | None) -> dict[str, float | None]:
    low, high = ends or (None, None)
    return {"value": value, "low": low, "high": high}


def _order(check: OrderCheck, who: str) -> dict[str, Any]:
    told = asdict(check)
    del told["persona"]
    return {
        **told,
        "first_order_is_enough": check.first_order_is_enough,
        "warning": check.warning(who),
    }


def _dwell(checks: Sequence[DwellCheck], position: int) -> list[dict[str, Any]]:
    return [
        {
            **{name: value for name, value in asdict(each).items() if name != "persona"},
            "departs": each.departs,
        }
        for each in checks
        if each.persona == position
    ]


def _comparison(comparison: PersonaComparison) -> dict[str, Any]:
    differences = comparison.differences
    told = asdict(differences)
    return {
        **told,
        "moves": [
            {**told_of_move, "label": move.label}
            for told_of_move, move in zip(told["moves"], differences.moves, strict=True)
        ],
        "traits": [
            {
                "name": trait.name,
                "unit": trait.unit,
                "first": trait.mean,
                "second": other.mean,
            }
            for trait, other in zip(*(each.traits for each in comparison.profiles), strict=True)
        ],
    }
