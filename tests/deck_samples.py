"""Reports that are hard to lay out as a deck, and how high its texts are by an estimate."""

from dataclasses import replace

import numpy as np
from pptx.util import Emu
from report_samples import comparison, make_report

from persona_tui.engine.analytics.deck_text import LINE_HEIGHT, wrap
from persona_tui.engine.analytics.step_flow import flow_by_step, folded_alike
from persona_tui.engine.simulation.leverage import StateDropOff
from persona_tui.engine.simulation.ranking import RankedScenario
from persona_tui.engine.simulation.simulated import ARMS

NASTY = (
    "=cmd()|'/c calc'!A1",
    "<script>alert('x')</script> & [/b]",
    "bell\x07 escape\x1b[31m null\x00 surrogate\ud83d new\nline",
    "漢字の名前" * 40,
    "👩‍👩‍👧‍👦🚀" * 30,
    "مرحبا بالعالم " * 15,
    "W" * 200,
    "word " * 40,
    "\u202egnp.exe" + "é\u0301" * 60,
    "http://example.com/" + "x" * 181,
)


def with_lead(report, **changes):
    """Return a report whose only scenario is changed."""
    lead = replace(report.lead, **changes)
    return replace(report, scenarios=(lead,), lead=lead)


def nasty_report(n_personas=60, n_events=300):
    """A report of many personas and event types, with names that are hard to show."""
    names = [f"{NASTY[place % len(NASTY)]}{place}" for place in range(n_personas)]
    report = make_report(
        names=names,
        steps=[f"{place} {NASTY[place % len(NASTY)]}" for place in range(30)],
        caveats=[text * 12 for text in NASTY],
        assumptions=[text * 3 for text in NASTY] * 3,
        findings=[text * 4 for text in NASTY] * 2,
        recipe={"seed": "7" * 400, **{text: text * 20 for text in NASTY}, "version": "0.1.0"},
        title=NASTY[2] + NASTY[3] + NASTY[6],
        decision=" ".join(NASTY),
    )
    events = [f"{NASTY[place % len(NASTY)]} {place}" for place in range(n_events)]
    drop_off = tuple(
        StateDropOff(state=event, leaving=(0.3 + place / 900, 0.31 + place / 1000), ended=(0.1, 0.1))
        for place, event in enumerate(events)
    )
    groups = tuple(comparison(f"plan={name}", 0.02, 0.5, -0.03, 0.01) for name in names)
    return with_lead(
        report,
        experiment=replace(report.lead.experiment, groups=groups),
        insights=replace(report.lead.insights, drop_off=drop_off),
        flows=folded_alike({arm: random_flow(seed, events) for seed, arm in enumerate(ARMS)}, 7),
    )


def several_scenarios(names):
    """A report of scenarios that differ by their uplifts, the best first."""
    report = make_report()
    uplifts = [0.02 - place / 100 for place in range(len(names))]
    scenarios = tuple(
        replace(
            report.lead,
            name=name,
            experiment=replace(
                report.lead.experiment, total=comparison("all", 1.0, 0.624, uplift, 0.005 + uplift / 10)
            ),
        )
        for name, uplift in zip(names, uplifts, strict=True)
    )
    ranking = tuple(
        RankedScenario(name=name, uplift=uplift, best=1.0 - place if place < 2 else 0.0, beats={})
        for place, (name, uplift) in enumerate(zip(names, uplifts, strict=True))
    )
    return replace(report, scenarios=scenarios, lead=scenarios[0], ranking=ranking)


def random_flow(seed, events):
    """The first steps of a random chain, of which some events are far commoner than the others."""
    random = np.random.default_rng(seed)
    weights = 0.3 / np.arange(1, len(events) + 2) ** 0.7
    return flow_by_step(
        start=random.dirichlet(weights[:-1]),
        transitions=random.dirichlet(weights, len(events)),
        vocabulary=tuple(events),
        completions=(events[8],),
    )


def excluding_report():
    """A report without the second of four personas, and with a long list of others."""
    report = make_report()
    profiles = tuple(
        replace(each, card=replace(each.card, excluded=each.card.id == 2)) for each in report.profiles
    )
    cards = tuple(each.card for each in profiles)
    listed = ", ".join(f"'{'Staff ' * 6}{place}'" for place in range(6))
    experiment = report.lead.experiment
    experiment = replace(
        experiment,
        personas=(experiment.personas[0], *experiment.personas[2:]),
        without=f"without 'Window shoppers', {listed} (12 % of users)",
    )
    lead = replace(report.lead, experiment=experiment)
    return replace(report, personas=cards, profiles=profiles, scenarios=(lead,), lead=lead)


def inches(length):
    return Emu(length).inches


def height_of(frame, width, margins=None, wider=1.0):
    """Return the height that the text of a frame takes, with its margins, in inches; in a wider font."""
    sides = frame.margin_left + frame.margin_right if margins is None else margins
    taken = inches(frame.margin_top + frame.margin_bottom) if margins is None else 0.0
    for place, paragraph in enumerate(frame.paragraphs):
        runs = paragraph.runs
        size = max((run.font.size.pt for run in runs), default=10)
        bold = any(run.font.bold for run in runs)
        indent = int(paragraph._p.pPr.get("marL", "0"))
        lines = wrap(paragraph.text, inches(width - sides - indent) / wider, size, bold=bold)
        taken += len(lines) * size * LINE_HEIGHT / 72
        last = place + 1 == len(frame.paragraphs)
        taken += (
            sum(gap.pt for gap in (paragraph.space_before, paragraph.space_after) if gap and not last) / 72
        )
    return taken


def title_of(slide):
    return slide.shapes.title.text_frame.text


def slide_on(deck, topic):
    """Return the first slide on a topic, as it is written above its title."""
    return next(
        slide
        for slide in deck.slides
        if any(shape.name == "Topic" and shape.text_frame.text == topic for shape in slide.shapes)
    )


def charts(deck, name):
    return [
        shape.chart
        for slide in deck.slides
        for shape in slide.shapes
        if shape.has_chart and shape.name == name
    ]


def tables(deck, name):
    return [table for slide in deck.slides for table in tables_of(slide, name)]


def tables_of(slide, name):
    return [shape.table for shape in slide.shapes if shape.has_table and shape.name == name]


def cells(table):
    return [[cell.text_frame.text for cell in row.cells] for row in table.rows]


def everything_said(deck):
    for slide in deck.slides:
        yield from (shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
        for shape in slide.shapes:
            if shape.has_table:
                yield from (text for row in cells(shape.table) for text in row)
        yield slide.notes_slide.notes_text_frame.text
