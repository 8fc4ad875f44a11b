"""Groups of users by attribute that a report tells of."""

from __future__ import annotations

from persona_tui.engine.data.attributes import UNKNOWN
from persona_tui.engine.params import format_segment
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.population import n_users_of

FEWEST_USERS = 30
"""Users below which a group is not reported: it would tell of persons."""
MOST_VALUES = 12
"""Values of an attribute above which its groups are left out of reports."""


def reported_groups(simulator: ProductFlowSimulator, attribute: str) -> tuple[str, ...]:
    """Return the values of an attribute whose users are reported on their own, as segments.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    attribute : str

    Returns
    -------
    tuple of str
        The largest first; groups of fewer than 30 users that are not excluded and unknown values are
        left out, and all where there are more than 12 values or only one.

    Raises
    ------
    UnknownNameError, DataError
        If there is no such attribute, or it has no groups.
    """
    if simulator.attributes is None:
        return ()
    values = simulator.attributes.values_of(attribute)
    if not 1 < len(values) <= MOST_VALUES:
        return ()
    segments = {format_segment(attribute, (value,)): n for value, n in values.items() if value != UNKNOWN}
    if simulator.excluded:
        segments = {each: round(n_users_of(simulator, each)) for each in segments}
    return tuple(each for each, n_users in segments.items() if n_users >= FEWEST_USERS)
