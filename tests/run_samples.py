"""Runs of a study as their files tell them, made of plain numbers: one that is finished, one that waits."""

import json
from math import sin, sqrt

from persona_tui.study.journal import JOURNAL, PAUSE, this_process
from persona_tui.study.run_folders import MANIFEST, RUNS

FINISHED, WAITING = "20260401T101500Z-0a1b2c", "20260402T093000Z-3d4e5f"
N_PERSONAS = 2_000_000
N_TOLD, N_TOLD_OF_WAITING = 40, 14
SCENARIOS = ("Two more steps", "An easier form")
STEPS = ("landing", "signup_start", "form_step_3", "signup_complete")
PERSONAS = (
    ("Quick deciders: Compare plans", 0.588, 0.558, 0.402),
    ("Browsers: Read docs", 0.412, 0.256, 0.180),
)
EXACT = (0.433, 0.311)


def write_runs(study):
    """Write both runs into a study."""
    finished, waiting = (study / RUNS / name for name in (FINISHED, WAITING))
    for folder, n_told in ((finished, N_TOLD), (waiting, N_TOLD_OF_WAITING)):
        folder.mkdir(parents=True)
        told = lines(n_told)
        if folder is finished:
            told.append({"end": {"how": "finished"}})
        texts = (json.dumps({**line, "seconds": 0.25 * place}) for place, line in enumerate(told))
        (folder / JOURNAL).write_text("\n".join(texts) + "\n")
    (waiting / PAUSE).touch()
    (finished / "result.json").write_text(json.dumps(result()))
    (finished / MANIFEST).write_text(json.dumps({"ended": "2026-04-01T10:15:20+00:00"}))


def lines(n_told):
    """Return what a run tells until it has told so often where its users stand."""
    stages = (("restarts of 2 personas", 10), ("bootstrap", 400), ("other models", 3), ("scenarios", 1))
    told = [{"begin": {"verb": "simulate", "workers": 1, "remembers": True, **this_process()}}]
    told += [{"stage": name, "done": total, "total": total} for name, total in stages]
    personas = [
        {"name": name, "share": share, "n_personas": round(share * N_PERSONAS), "exact": exact}
        for name, share, *exact in PERSONAS
    ]
    scenario = {"name": SCENARIOS[0], "number": 1, "n_scenarios": 1, "solver": "paths", "own_error": 0.0047}
    told.append({"scenario": {**scenario, "n_personas": N_PERSONAS, "exact": EXACT, "personas": personas}})
    for place in range(1, n_told + 1):
        done = N_PERSONAS * place // N_TOLD
        shares = ((1.0, *EXACT), *(each[1:] for each in PERSONAS))
        told += [
            {"walked": [standing(round(share * done), place, *exact) for share, *exact in shares]},
            {"followed": followed(250 * place)},
            {"stage": "walks", "done": done, "total": N_PERSONAS},
        ]
    return told


def standing(n, place, control, treatment):
    """Return how many users of some chance stand: near it, within their error."""
    errors = [sqrt(each * (1 - each) / n) for each in (control, treatment)]
    drift = sin(place)
    return [
        n,
        control + drift * errors[0],
        errors[0],
        treatment + drift * errors[1],
        errors[1],
        0.7 * errors[0],
    ]


def followed(n):
    reached = ([0.79, 0.79], [0.76, 0.76], [0.60, 0.60], [0.43, 0.31])
    lost = {
        "drop_off": (0.37, 0.36),
        "help": (0.10, 0.10),
        "added_step_1": (None, 0.07),
        "landing": (0.02, 0.02),
    }
    walk = {"persona": PERSONAS[0][0], "steps": list(STEPS), "n_steps": len(STEPS)}
    return {
        "n": n,
        "funnel": [[name, *shares] for name, shares in zip(STEPS, reached, strict=True)],
        "drop_off": [[name, *shares] for name, shares in lost.items()],
        "examples": [
            {**walk, "arm": "control", "outcome": "converted"},
            {**walk, "arm": "treatment", "outcome": "exited", "steps": list(STEPS[:2]), "n_steps": 2},
        ],
    }


def result():
    """Return what the finished run found: one scenario that lowers completion and one that raises it."""
    found = ((-0.122, (-0.131, -0.113), "lower"), (0.009, (0.005, 0.014), "raise"))
    return {
        "data": {"fingerprint": "other"},
        "recipe": {"settings": {"completion": [STEPS[-1]]}},
        "experiments": [
            {
                "scenario": name,
                "decision": f"The change is expected to {way} completion by {100 * abs(value):.1f} points.",
                "unit": "user",
                "n_personas": N_PERSONAS,
                "uplifts": {"treatment": {"completion_rate": {"value": value, "total": interval}}},
            }
            for name, (value, interval, way) in zip(SCENARIOS, found, strict=True)
        ],
    }
