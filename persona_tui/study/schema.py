"""The JSON Schema of a study file, built from the options and the effects where they are declared."""

from __future__ import annotations

from dataclasses import Field
from typing import Any, Final, TypeAlias

from persona_tui import __version__
from persona_tui.engine.analytics.branding import ACCENT_PATTERN
from persona_tui.engine.params import LISTS, NUMBERS, Parameter, parameters_of
from persona_tui.engine.simulation.effects import EFFECTS
from persona_tui.study.config import NOT_IN_FILES, REPORT, SCENARIOS
from persona_tui.study.declared import Form
from persona_tui.study.effect_tables import EFFECT_KEY, PERSONAS, RANGE_KEYS
from persona_tui.study.options import CHANGE_OPTIONS, options_by_name
from persona_tui.study.scenarios import RESERVED_NAMES

Schema: TypeAlias = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER: Final = "urn:persona-tui:schema:study:1"
"""Its number rises when a file that was right becomes wrong."""
_RANGE_PATTERN: Final = r"^[^/]+/[^/]+/[^/]+$"
_EITHER_EFFECT: Final[Schema] = {"$ref": "#/$defs/effect"}
_TEXT: Final[Schema] = {"type": "string"}
_WHOLE: Final[Schema] = {"type": "integer", "minimum": 1}


def study_schema() -> Schema:
    """Return the JSON Schema, draft 2020-12, of a study file.

    Returns
    -------
    dict
        With the program's version. It knows keys, types, bounds and choices; what depends on other
        places of the file or on the log (names of scenarios, events) only the program checks.

    Examples
    --------
    >>> study_schema()["properties"]["seed"]
    {'type': 'integer', 'minimum': 0, 'description': 'Same seed, same bytes.', 'default': 0}
    """
    options = {name: _option(each) for name, each in options_by_name().items() if name not in NOT_IN_FILES}
    options["modification"] |= {"items": _EITHER_EFFECT, "minItems": 1}
    report = {
        "title": _TEXT | {"description": "Title of the report."},
        "lead": _TEXT | {"description": "The scenario that leads the report. Default: the first."},
        "author": _TEXT | {"description": "Author of the files."},
        "logo": _TEXT | {"description": "A PNG or JPEG picture, beside this file or a whole path."},
        "accent": {
            "type": "string",
            "pattern": ACCENT_PATTERN,
            "description": "Colour of what stands out, such as #0b6e4f.",
        },
        "template": _TEXT | {"description": "A .pptx whose layouts, fonts and colours the deck takes."},
    }
    scenarios = {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/scenario"},
        "description": "Changes of the flow, each simulated beside the control.",
    }
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "A study of persona-tui (study.toml)",
        "version": __version__,
        **_table({**options, SCENARIOS: scenarios, REPORT: _table(report)}),
        "minProperties": 1,
        "dependentSchemas": {SCENARIOS: {"properties": dict.fromkeys(CHANGE_OPTIONS, False)}},
        "$defs": {
            "effect": _either_effect(),
            "scenario": _scenario(),
            **{_definition(name): _effect(name) for name in EFFECTS.names()},
        },
    }


def _table(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    table: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return table | {"required": list(required)} if required else table


def _option(declared: Field[Any]) -> Schema:
    known = declared.metadata
    forms = [_form(declared, form) for form in known["forms"]]
    schema: Schema = forms[0] if len(forms) == 1 else {"anyOf": forms}
    default = known["shown_default"]
    schema["description"] = known["help"] + (f" Default: {default}." if default else "")
    if not default and declared.default not in ("", ()):
        default = declared.default
        schema["default"] = list(default) if isinstance(default, tuple) else default
    return schema


def _form(declared: Field[Any], form: Form) -> Schema:
    known = declared.metadata
    text = _TEXT | ({"pattern": f"^({known['pattern']})$"} if known["pattern"] else {})
    if form == "texts":
        return {"type": "array", "items": text if known["forms"][0] == "texts" else _TEXT}
    if form == "text":
        return text | ({"enum": list(known["choices"])} if known["choices"] else {})
    low, high = (known["low"], known["high"]) if known["forms"][0] == form else (1, None)
    return {"type": "number" if form == "number" else "integer", **_bounds(low, high)}


def _bounds(low: float | None, high: float | None) -> Schema:
    return {key: each for key, each in (("minimum", low), ("maximum", high)) if each is not None}


def _definition(effect: str) -> str:
    return f"{EFFECT_KEY}_{effect}"


def _either_effect() -> Schema:
    names = "|".join(EFFECTS.names())
    text = _TEXT | {
        "pattern": f'^\\s*"?({names})"?\\s*(:|$)',
        "description": "name:key=value,key=value; items of a list are split by |, a range is low/mode/high.",
    }
    return {"anyOf": [text, *({"$ref": f"#/$defs/{_definition(name)}"} for name in EFFECTS.names())]}


def _effect(name: str) -> Schema:
    known = parameters_of(EFFECTS.get(name))
    properties = {EFFECT_KEY: {"const": name}, **{each.name: _parameter(each) for each in known}}
    required = tuple(each.name for each in known if each.required)
    return _table(properties, (EFFECT_KEY, *required)) | {"description": EFFECTS.help(name)}


def _parameter(parameter: Parameter) -> Schema:
    text = f"{parameter.help} ({parameter.unit})" if parameter.unit else parameter.help
    schema = _number(parameter) if parameter.kind in NUMBERS else _names(parameter)
    schema["description"] = text
    if parameter.default not in (None, ()):
        schema["default"] = parameter.default
    return schema


def _number(parameter: Parameter) -> Schema:
    bounds = _bounds(parameter.low, parameter.high)
    number = {"type": "integer" if parameter.kind == "int" else "number", **bounds}
    if not parameter.takes_range:
        return number
    believed = _table(dict.fromkeys(RANGE_KEYS, number), RANGE_KEYS)
    return {"anyOf": [number, believed, _TEXT | {"pattern": _RANGE_PATTERN}]}


def _names(parameter: Parameter) -> Schema:
    name: Schema = {"type": ["string", "integer"]} if parameter.kind in PERSONAS else dict(_TEXT)
    return {"type": "array", "items": name} if parameter.kind in LISTS else name


def _scenario() -> Schema:
    which = _WHOLE | {"description": "Which of the effects, from 1.", "default": 1}
    number = _TEXT | {"description": "A number of that effect."}
    values = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "number"}}
    vary = _table({"effect": which, "parameter": number, "values": values}, ("parameter", "values"))
    dose = _table(
        {"group": _TEXT, "effect": which, "parameter": number, "value": {"type": "number"}},
        ("group", "parameter", "value"),
    )
    properties = {
        "name": _TEXT | {"pattern": r"^\S(.*\S)?$", "not": {"enum": list(RESERVED_NAMES)}},
        "description": _TEXT | {"description": "The change in words. Default: from the effects."},
        "effects": {
            "type": "array",
            "minItems": 1,
            "items": _EITHER_EFFECT,
            "description": "They act in this order.",
        },
        "off": {
            "type": "array",
            "uniqueItems": True,
            "items": _WHOLE | {"minimum": 1},
            "description": "Places of effects, from 1, that are kept but do not act.",
        },
        "vary": vary | {"description": "One scenario for each value of one number."},
        "dose": dose | {"description": "Which value of a varied number this is; runs write it."},
    }
    return _table(properties, ("name", "effects")) | {"not": {"required": ["vary", "dose"]}}
