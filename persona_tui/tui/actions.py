"""Every action of the app, in one table: its keys, its words, and where it can be done.

Key bindings, the footer, the help, the palette and the file of preferences are made from ``ACTIONS``. To add
an action, add it here and give its screen, or the app, a method ``action_<id>``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

APP: Final = "app"
SCREENS: Final = ("data", "personas", "flow", "simulate", "report", "trust")
"""In the order of the jobs, and of their keys."""
DIALOG: Final = "dialog"
IN_DIALOGS: Final = ("help", "quit", "suspend_process")
"""Actions of the app that can be done while a dialogue is open, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that the analyst can do.

    Parameters
    ----------
    id : str
        Of the method ``action_<id>``, and in the file of preferences.
    keys : tuple of str
        As Textual names them.
    label : str
        A word or two, for the footer.
    help : str
        A sentence.
    scope : str
        ``app``, ``dialog`` for every dialogue, or the name of the screen that has it.
    in_footer : bool
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    scope: str = APP
    in_footer: bool = True


def _data(action: str, keys: str, label: str, sentence: str) -> Action:
    return Action(id=action, keys=tuple(keys.split(",")), label=label, help=sentence, scope="data")


def _personas(action: str, keys: str, label: str, sentence: str) -> Action:
    return Action(id=action, keys=tuple(keys.split(",")), label=label, help=sentence, scope="personas")


def _simulate(action: str, keys: str, label: str, sentence: str, *, in_footer: bool = True) -> Action:
    return Action(
        id=action,
        keys=tuple(keys.split(",")),
        label=label,
        help=sentence,
        scope="simulate",
        in_footer=in_footer,
    )


def _report(action: str, keys: str, label: str, sentence: str, *, in_footer: bool = True) -> Action:
    return Action(
        id=action,
        keys=tuple(keys.split(",")),
        label=label,
        help=sentence,
        scope="report",
        in_footer=in_footer,
    )


def _flow(action: str, keys: str, label: str, sentence: str, *, in_footer: bool = True) -> Action:
    return Action(
        id=action, keys=tuple(keys.split(",")), label=label, help=sentence, scope="flow", in_footer=in_footer
    )


def _trust(action: str, keys: str, label: str, sentence: str) -> Action:
    return Action(id=action, keys=tuple(keys.split(",")), label=label, help=sentence, scope="trust")


_SHOW: Final = {
    "data": "Load and check a log.",
    "personas": "Find and read personas.",
    "flow": "Edit a change of the flow and see what it does.",
    "simulate": "Run and watch a simulated experiment.",
    "report": "Compare runs and export.",
    "trust": "See how far forecasts can be trusted.",
}

ACTIONS: Final[tuple[Action, ...]] = (
    *(
        Action(
            id=f"show_{name}",
            keys=(str(number), f"alt+{number}"),
            label=name.capitalize(),
            help=sentence,
            in_footer=False,
        )
        for number, (name, sentence) in enumerate(_SHOW.items(), start=1)
    ),
    Action(
        id="next_tab",
        keys=("right_square_bracket",),
        label="Next tab",
        help="Show the next tab of the screen.",
        in_footer=False,
    ),
    Action(
        id="previous_tab",
        keys=("left_square_bracket",),
        label="Tab before",
        help="Show the tab before.",
        in_footer=False,
    ),
    Action(id="undo", keys=("z",), label="Undo", help="Take back the last edit of the study."),
    Action(id="redo", keys=("Z",), label="Redo", help="Do again what was taken back.", in_footer=False),
    Action(id="save", keys=("ctrl+s",), label="Save", help="Save the study; a log becomes one."),
    Action(
        id="copy_command",
        keys=("y",),
        label="Copy as command",
        help="Copy the command that does what this screen shows.",
        in_footer=False,
    ),
    Action(
        id="copy_table",
        keys=("Y",),
        label="Copy table",
        help="Copy the table in view, its columns separated by tabs.",
        in_footer=False,
    ),
    Action(
        id="show_copied",
        keys=("ctrl+y",),
        label="Show copied",
        help="Show what was copied last, to be selected by hand.",
        in_footer=False,
    ),
    Action(
        id="next_theme",
        keys=("f2",),
        label="Theme",
        help="Change to the next theme.",
        in_footer=False,
    ),
    Action(id="help", keys=("question_mark", "f1"), label="Help", help="Say what can be done here."),
    Action(
        id="tour",
        keys=("f3",),
        label="Tour",
        help="Be shown around the five jobs in two minutes, or go on with the tour.",
        in_footer=False,
    ),
    Action(id="end_tour", keys=("f4",), label="End tour", help="End the tour.", in_footer=False),
    Action(
        id="command_palette",
        keys=("ctrl+p",),
        label="Palette",
        help="Find any action by its words.",
        in_footer=False,
    ),
    Action(
        id="cancel",
        keys=("ctrl+x",),
        label="Stop",
        help="Stop the work in the background.",
        in_footer=False,
    ),
    Action(
        id="suspend_process",
        keys=("ctrl+z",),
        label="Suspend",
        help="Go back to the shell; fg brings the app back.",
        in_footer=False,
    ),
    Action(
        id="back", keys=("q",), label="Back", help="Close what is open, or leave the app.", in_footer=False
    ),
    Action(id="quit", keys=("ctrl+q",), label="Quit", help="Leave the app; nothing is lost."),
    Action(
        id="close", keys=("escape",), label="Close", help="Close the dialogue; nothing changes.", scope=DIALOG
    ),
    Action(id="apply", keys=("ctrl+s",), label="Apply", help="Apply what the dialogue says.", scope=DIALOG),
    _data("open_source", "o", "Open", "Choose a log: a path, a sample, a recent one, or a database."),
    _data(
        "edit_columns", "c", "Columns", "Say which column is the user, the session, the time and the event."
    ),
    _data("add_step", "a", "Add", "Add a step to the preparation of the log."),
    _data("remove_step", "d", "Remove", "Remove the chosen step of the preparation."),
    _data("choose_outcomes", "f", "Funnel", "Choose the funnel, what completes a journey and what drops it."),
    _data("filter_rows", "slash", "Filter", "Keep the rows that hold some text."),
    _personas("fit", "r", "Fit", "Find the personas anew in the background."),
    _personas("choose_clusters", "k", "How many", "Choose the number of personas from the ladder."),
    _personas("rename", "n", "Rename", "Give the persona a name of your own."),
    _personas("pin", "p", "Pin", "Keep the persona at its place in later fits, or let it go."),
    _personas(
        "exclude", "x", "Exclude", "Leave the persona's users out of all predictions, or include them again."
    ),
    _personas("compare", "c", "Compare", "Set the persona beside another."),
    _flow("add_effect", "a", "Add", "Add a change to the scenario, at the step that is chosen."),
    _flow("edit_effect", "e", "Edit", "Edit the change that is chosen; enter does too."),
    _flow("toggle_effect", "x", "On/off", "Switch the change that is chosen off, or on again."),
    _flow("remove_effect", "d", "Remove", "Remove the change that is chosen."),
    _flow("duplicate_effect", "D", "Duplicate", "Copy the change that is chosen.", in_footer=False),
    _flow("effect_earlier", "K,shift+up", "Earlier", "Make the change act earlier.", in_footer=False),
    _flow("effect_later", "J,shift+down", "Later", "Make the change act later.", in_footer=False),
    _flow("new_scenario", "n", "New", "Add a scenario, which begins as a copy of the one in view."),
    _flow("rename_scenario", "r", "Rename", "Give the scenario another name.", in_footer=False),
    _flow("remove_scenario", "X", "Remove scenario", "Remove the scenario in view.", in_footer=False),
    _flow("next_persona", "p", "Whose", "Show the steps of the next persona, or of all.", in_footer=False),
    _flow("other_arm", "v", "Arm", "Draw the flow of the other arm.", in_footer=False),
    _simulate("start", "s", "Start", "Start a run of what is asked for, in a process of its own."),
    _simulate("ask_for", "n", "Next run", "Say what the next run is to be: scenario, users, seed, workers."),
    _simulate("pause", "p", "Pause", "Let the run in view wait, or go on."),
    _simulate("stop_run", "x", "Stop", "Stop the run in view; what is done is kept."),
    _simulate("resume_run", "r", "Resume", "Let the run in view go on from its last finished block."),
    _simulate("export_run", "e", "Export", "Write the report of the finished run in formats of your choice."),
    _simulate("replay", "v", "Replay", "Show the run in view again, at any speed.", in_footer=False),
    _report("work_out", "r", "Work out", "Work the report out anew."),
    _report("export", "e", "Export", "Write the report in formats of your choice."),
    _trust("check", "r", "Check", "Work out the check in view; ctrl+x stops it."),
    _trust("name", "n", "Name", "Name the newer log or days that drift is looked for in, or the groups."),
    _report("copy_folder", "f", "Folder", "Copy the path of the folder that exports go to."),
)


def actions_of(*scopes: str) -> tuple[Action, ...]:
    """Return the actions of some scopes, in the order of the table."""
    return tuple(each for each in ACTIONS if each.scope in scopes)


def key_faults(keys: Iterable[tuple[str, str]]) -> list[str]:
    """Return what is wrong with a choice of keys, given as action id and comma-separated keys."""
    known = {each.id: each for each in ACTIONS}
    faults: list[str] = []
    taken: dict[tuple[str, str], str] = {}
    chosen = {identifier: tuple(text.split(",")) for identifier, text in keys}
    faults += [f"There is no action '{each}'." for each in chosen if each not in known]
    for action in ACTIONS:
        for key in chosen.get(action.id, action.keys):
            for scope in _scopes_of(action):
                other = taken.setdefault((scope, key.strip()), action.id)
                if other != action.id and (action.id in chosen or other in chosen):
                    faults.append(f"'{key}' is for '{other}' and for '{action.id}'.")
    return list(dict.fromkeys(faults))


def _scopes_of(action: Action) -> tuple[str, ...]:
    """Return where the keys of an action mean it."""
    if action.scope != APP:
        return (action.scope,)
    return (APP, *SCREENS, *((DIALOG,) if action.id in IN_DIALOGS else ()))
