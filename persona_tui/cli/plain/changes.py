"""A change of the flow, asked for one parameter at a time."""

from __future__ import annotations

from persona_tui.cli.plain.questions import ask, choose, complain, say
from persona_tui.engine.errors import PersonaError
from persona_tui.engine.params import (
    LISTS,
    NAMES,
    NUMBERS,
    Parameter,
    format_names,
    parameters_of,
    parse_names,
    quote,
)
from persona_tui.engine.simulation.effects import EFFECTS, parse_effect


def ask_effect() -> str:
    """Return an effect as the grammar writes it, asked for until it makes sense."""
    kind = choose("Which change", [(name, EFFECTS.help(name)) for name in EFFECTS.names()])
    while True:
        given = [text for each in parameters_of(EFFECTS.get(kind)) if (text := _ask_parameter(each))]
        try:
            return str(parse_effect(kind + (":" + ",".join(given) if given else "")))
        except PersonaError as fault:
            complain(fault)


def _ask_parameter(parameter: Parameter) -> str:
    """Return a parameter as the grammar writes it, empty where it is left open."""
    about = [parameter.help]
    if parameter.kind in NUMBERS:
        about.append(f"{parameter.unit}, {parameter.bounds}." if parameter.bounds else f"{parameter.unit}.")
        if parameter.takes_range:
            about.append("A range of what is believed is low/likeliest/high.")
    elif parameter.kind in LISTS:
        about.append("Several are separated by commas.")
    say(" ".join(about))
    answer = ask(parameter.name if parameter.required else f"{parameter.name} (may stay empty)")
    if not answer:
        return ""
    if parameter.kind in LISTS:
        answer = format_names([name.strip() for name in parse_names(answer)], "|")
    elif parameter.kind in NAMES:
        answer = quote(answer)
    return f"{parameter.name}={answer}"
