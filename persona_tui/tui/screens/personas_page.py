"""What the Personas screen says: cards, tables and figures made from described personas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from persona_tui.engine.analytics.persona_phrases import (
    bits,
    early_words,
    journey,
    lift_size,
    move_words,
    number,
    q_words,
    span,
    times,
    trait_means,
)
from persona_tui.engine.analytics.step_flow import flow_by_step
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.engine.simulation.persona_differences import LEAVES
from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs, bar, column
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.widgets.flow_diagram import Flow
from persona_tui.tui.widgets.heat_map import Heat
from persona_tui.tui.widgets.interval_bars import IntervalRow, Intervals
from persona_tui.tui.widgets.numbers import shown, shown_interval
from persona_tui.tui.widgets.sparkline import resampled
from persona_tui.tui.widgets.text_table import TextTable
from persona_tui.tui.widgets.timeline import TimelineRow, Timelines

if TYPE_CHECKING:
    from persona_tui.engine.analytics.profiles import PersonaProfile
    from persona_tui.engine.modeling.ladder import LadderDescription
    from persona_tui.study.kept_personas import KeptPersona
    from persona_tui.study.personas import DescribedPersonas, PersonaComparison

_MOST_MOVES: Final = 12
_RUNG_HEADS: Final = ("bits saved", "stability", "smallest", "")
_RUNG_NUMBERS: Final = 57
"""Cells of a choice beside its bar."""
_CELLS_A_STEP: Final = 17
_MOST_STEPS: Final = 6
_PINNED: Final = " pinned"
_EXCLUDED: Final = " excluded"
_MUTED: Final = "$text-muted"
_OUTCOMES: Final = {"completion_rate": "conversion", "drop_off_rate": "drop-off"}


def card(found: DescribedPersonas, position: int, width: int, glyphs: Glyphs) -> Content:
    """Return a persona on four lines: name, signature, share with its bar, conversion with its interval."""
    profile, kept = found.profiles[position], found.settled[position]
    told = profile.card
    marks = _marks(kept)
    name = fitted(f"{told.id} {told.name}", max(width - max(len(marks), 2), 1), glyphs).rstrip()
    interval = shown_interval(*told.conversion_interval, "percent")
    return Content.assemble(
        (name, _MUTED if kept.excluded else "bold"),
        (marks, "$text-accent"),
        "\n",
        (spark(found, position, width, glyphs), _MUTED if kept.excluded else "$accent"),
        "\n",
        (
            bar(profile.user_share, max(width - 16, 4), glyphs),
            _MUTED if kept.excluded else "$primary",
        ),
        f"{shown(profile.user_share, 'percent'):>8} users\n",
        f"converts {shown(told.conversion, 'percent')}",
        (f"  {interval}", "$text-muted"),
    )


def spark(found: DescribedPersonas, position: int, width: int, glyphs: Glyphs) -> str:
    """Return how often a journey does each event, as columns: full where no other persona does it more."""
    rates = [each.event_rates for each in found.profiles]
    most = [max(each) or 1.0 for each in zip(*rates, strict=True)]
    shares = [rate / full for rate, full in zip(rates[position], most, strict=True)]
    return "".join(column(share, glyphs) for share in resampled(shares, width))


def short_card(found: DescribedPersonas, position: int, width: int, glyphs: Glyphs) -> Content:
    """Return a persona on one line, where there is no room for three."""
    profile, kept = found.profiles[position], found.settled[position]
    share, conversion = shown(profile.user_share, "percent"), shown(profile.card.conversion, "percent")
    numbers = f"  {share:>7} users, converts {conversion:>7}"
    widest = max(len(_PINNED), *(len(_marks(each)) for each in found.settled))
    marks = _marks(kept).ljust(widest)
    room = max(width - len(numbers) - widest, 8)
    name = fitted(f"{profile.card.id} {profile.card.name}", room, glyphs)
    style = _MUTED if kept.excluded else "bold"
    return Content.assemble((name, style), (marks, "$text-accent"), (numbers, style.removeprefix("bold")))


def _marks(kept: KeptPersona) -> str:
    """Return what is settled about a persona beside its name, in words."""
    return (_PINNED if kept.place else "") + (_EXCLUDED if kept.excluded else "")


def headline(found: DescribedPersonas) -> str:
    """Return how many personas there are, and how surely users belong to one."""
    n, sure = len(found.cards), shown(found.sure_share, "percent")
    if n == 1:
        return "One persona: no structure that foretells users it has not seen. All users are told as one."
    why = "as asked for" if found.ladder is None else "by the ladder, which k shows"
    without = f" Predictions are {found.without}." if found.without else ""
    return f"{n} personas, {why}; {sure} of users belong surely to one.{printable(without)}"


def sizes(found: DescribedPersonas, profile: PersonaProfile) -> Intervals:
    """Return the share and the conversion of a persona, with the conversion told early."""
    told, early = profile.card, profile.early_conversion
    units = UNIT_WORDS[found.settings.unit]
    rows = [
        _row("share of users", profile.user_share, profile.user_share_interval, told.users),
        _row(f"conversion of {units}", told.conversion, told.conversion_interval, told.users),
    ]
    if early.value is not None:
        rows.append(_row("conversion told early", early.value, early.interval, early.n_users))
    return Intervals(rows=tuple(rows), n_title="users")


def _row(label: str, value: float, interval: tuple[float, float], users: int) -> IntervalRow:
    return IntervalRow(label=label, value=value, low=interval[0], high=interval[1], n=users)


def early_sentence(found: DescribedPersonas, profile: PersonaProfile) -> str:
    """Return what the observed conversion is worth, and what the first events foretell."""
    units = UNIT_WORDS[found.settings.unit]
    return (
        "Conversion is observed, and descriptive: membership saw the outcome. Told early: "
        f"{early_words(profile.early_conversion, units)}."
    )


def traits(profile: PersonaProfile) -> Intervals | None:
    """Return the effects of the traits against the other users, None where there are no others."""
    rows = tuple(
        IntervalRow(
            label=each.name.replace("_", " "),
            value=each.effect,
            low=each.interval[0],
            high=each.interval[1],
            note=f"{each.magnitude}: {trait_means(each)}",
        )
        for each in profile.traits
        if each.effect is not None and each.interval is not None
    )
    return Intervals(rows=rows, kind="signed") if rows else None


def attributes(profile: PersonaProfile) -> TextTable:
    """Return the attribute values that are more or less frequent than among all users."""
    return TextTable(
        heads=("attribute", "share", "lift", "95 % interval", "q", "users"),
        rows=tuple(
            (
                f"{each.attribute}={each.value}",
                shown(each.share, "percent"),
                times(each.lift),
                span(each.interval),
                q_words(each.q_value),
                shown(each.n_users, "count"),
            )
            for each in profile.attributes.lifts
            if each.notable
        ),
    )


def attributes_said(profile: PersonaProfile) -> str:
    """Return what was tested, and that nothing stands out where that is so."""
    lifts = profile.attributes
    none = "No value stands out at a false discovery rate of 5 %. "
    said = none if lifts.lifts and not any(each.notable for each in lifts.lifts) else ""
    left = "".join(f" {printable(name)} {printable(why)}." for name, why in lifts.left_out.items())
    return f"{said}{lifts.statement}{left}"


def flow(found: DescribedPersonas, position: int, width: int) -> Flow:
    """Return the first steps that the users of a persona walk, by its chain; as many as have room."""
    from persona_tui.engine.simulation.flow import StateKind  # noqa: PLC0415 - loaded with the personas

    chain = found.learned.simulator.flow
    ends = {
        name for name, kind in zip(chain.states, chain.kinds, strict=True) if kind == StateKind.COMPLETION
    }
    drawn = flow_by_step(
        start=chain.starts[position],
        transitions=chain.transitions[position],
        vocabulary=chain.states,
        n_steps=min(max(width // _CELLS_A_STEP, 3), _MOST_STEPS),
        completions=ends,
        total=float(found.cards[position].users),
        unit=UNIT_WORDS[found.settings.unit],
    )
    return Flow.of(drawn)


def moves(found: DescribedPersonas, position: int) -> Heat:
    """Return the chances of every move of a persona, and how many moves they rest on."""
    chain = found.learned.simulator.flow
    rows, support = chain.transitions[position], chain.support[position]
    sources = [each for each in range(len(chain.states)) if rows[each].sum() > 0]
    n = len(chain.states)
    return Heat(
        sources=tuple(chain.states[each] for each in sources),
        targets=(*chain.states, LEAVES),
        values=tuple((*map(float, rows[each][:n]), float(rows[each][n:].sum())) for each in sources),
        n=tuple(float(support[each].sum()) for each in sources),
    )


def signature(profile: PersonaProfile) -> TextTable:
    """Return the events that the persona does more than the others."""
    return TextTable(
        heads=("event", "a journey", "others", "lift", "times"),
        rows=tuple(
            (
                journey(each.events),
                number(each.rate),
                number(each.others_rate),
                lift_size(each),
                shown(each.n, "count"),
            )
            for each in profile.signature
        ),
    )


def paths(profile: PersonaProfile) -> TextTable:
    """Return the paths that more of the persona's journeys hold."""
    return TextTable(
        heads=("path", "journeys", "others", "lift"),
        rows=tuple(
            (
                journey(each.events),
                shown(each.rate, "percent"),
                shown(each.others_rate, "percent"),
                lift_size(each),
            )
            for each in profile.paths
        ),
    )


def users(profile: PersonaProfile) -> TextTable:
    """Return users that show the persona, and users at its border, with the events of their first journey."""
    position = profile.card.id - 1
    kinds = (("typical", profile.typical_users), ("at the border", profile.borderline_users))
    return TextTable(
        heads=("user", "", "membership", "events", "first journey"),
        rows=tuple(
            (
                each.user_id,
                kind,
                shown(each.memberships[position], "percent"),
                shown(each.n_events, "count"),
                " → ".join(map(printable, each.path)),
            )
            for kind, some in kinds
            for each in some
        ),
        left=2,
        last_is_text=True,
    )


def rungs_head(width: int) -> Content:
    """Return what the columns of the choices are."""
    return Content.styled(_rung_line("", " " * _bar_width(width), _RUNG_HEADS), "$text-muted")


def rung_choice(n: int, ladder: LadderDescription | None, width: int, glyphs: Glyphs) -> Content:
    """Return a number of personas as one line: what it saves, as a bar too, how stable, how small."""
    found = {each.rung.n_clusters: each for each in ladder.rungs} if ladder is not None else {}
    if ladder is None or n not in found:
        blank = " " * _bar_width(width)
        return Content(_rung_line(str(n), blank, ("", "", "", "" if ladder is None else "not tried")))
    described, room = found[n], _bar_width(width)
    most = max(each.rung.gain for each in ladder.rungs) or 1.0
    saved = f"{bits(described.rung.gain)} ±{described.rung.gain_error:.4f}" if n > 1 else ""
    stability = f"{described.stability.mean:.2f}" if described.stability else ""
    smallest = shown(described.smallest_share, "percent")
    is_best = n == ladder.n_clusters
    told = (saved, stability, smallest, "recommended" if is_best else "")
    line = _rung_line(str(n), bar(described.rung.gain / most, room, glyphs), told)
    return Content.styled(line, "$text-success" if is_best else "")


def _rung_line(n: str, drawn: str, told: tuple[str, str, str, str]) -> str:
    saved, stability, smallest, note = told
    return f"{n:>4}  {drawn}  {saved:>15}  {stability:>9}  {smallest:>8}  {note}".rstrip()


def _bar_width(width: int) -> int:
    return min(max(width - _RUNG_NUMBERS, 4), 40)


def timelines(found: DescribedPersonas, profile: PersonaProfile) -> Timelines:
    """Return what the example users did, and when."""
    from persona_tui.engine.analytics.timelines import user_timelines  # noqa: PLC0415 - loaded with the personas

    position = profile.card.id - 1
    users = [*profile.typical_users, *profile.borderline_users]
    memberships = [each.memberships[position] for each in users]
    told = user_timelines(found.prepared.sequences, [each.user_id for each in users])
    return Timelines(
        rows=tuple(
            TimelineRow(
                label=each.user_id,
                note=shown(membership, "percent"),
                events=each.events,
                seconds=each.seconds,
                is_cut=each.n_events > len(each.events),
            )
            for each, membership in zip(told, memberships, strict=True)
        ),
        good=found.prepared.completion,
        bad=found.prepared.drop,
    )


def compared_outcomes(comparison: PersonaComparison) -> Intervals:
    """Return the differences of outcomes and funnel, first minus second, in points."""
    found = comparison.differences
    rows = [
        *((label, found.outcomes[name]) for name, label in _OUTCOMES.items()),
        *((f"reaches {step}", each) for step, each in found.funnel.items()),
    ]
    return Intervals(
        rows=tuple(
            IntervalRow(
                label=label,
                value=each.difference,
                low=each.interval[0],
                high=each.interval[1],
                note=f"{shown(each.first, 'percent')} against {shown(each.second, 'percent')}",
            )
            for label, each in rows
        ),
        kind="points",
    )


def compared_moves(comparison: PersonaComparison) -> TextTable:
    """Return the moves that set two personas apart, the largest part first."""
    one, other = (str(each.card.id) for each in comparison.profiles)
    return TextTable(
        heads=("move", one, other, "points", "95 % interval", "q"),
        rows=tuple(
            (
                move_words(each),
                shown(each.chance.first, "percent"),
                shown(each.chance.second, "percent"),
                shown(each.chance.difference, "points"),
                shown_interval(*each.chance.interval, "points"),
                q_words(each.q_value),
            )
            for each in comparison.differences.moves[:_MOST_MOVES]
        ),
    )
