import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.simulation.effects import Friction, InsertSteps, Reward
from persona_tui.engine.simulation.flow import StateKind
from persona_tui.engine.simulation.tables import POSITION_BITS, START, tabulate

ONE = 2**POSITION_BITS
changes = st.sampled_from(
    [
        InsertSteps(count=2),
        Friction(factor=0.3),
        Friction(factor=1.0),
        Reward(factor=0.5),
        Friction(factor=0.0),
    ]
)


def widths(table, code):
    """Return the chance of each target of a code."""
    rows = table.thresholds - np.uint64(1) >> np.uint64(POSITION_BITS)
    among = rows == code
    bounds = (table.thresholds[among] - np.uint64(code * ONE)).astype(float) / ONE
    chances = np.zeros(len(table.states))
    np.add.at(chances, table.targets[among], np.diff(bounds, prepend=0.0))
    return chances


@given(flows, changes)
def test_the_table_holds_the_chances_of_the_flow(flow, change):
    flow = change.apply(flow)
    table = tabulate(flow, 1)
    codes = {state: code for code, state in enumerate(table.states) if state >= 0}
    for state, code in codes.items():
        if not flow.absorbing[state]:
            found, row = widths(table, code), flow.transitions[1, state]
            assert np.abs(found[[codes[each] for each in range(flow.n_states)]] - row[:-2]).max() < 1e-12
            assert abs(found[table.first_left : table.truncated].sum() - row[-2:].sum()) < 1e-12
    starts = widths(table, START)[[codes[each] for each in range(flow.n_states)]]
    assert np.abs(starts - flow.starts[1]).max() < 1e-12


@given(flows, changes, st.integers(0, 2**32 - 1))
def test_a_cell_leads_where_a_search_leads(flow, change, seed):
    table = tabulate(change.apply(flow), 0)
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, table.first_end, size=500)
    positions = generator.integers(0, ONE, size=500, dtype=np.uint64)
    cells = table.cells[
        codes << table.bits | (positions >> np.uint64(POSITION_BITS - table.bits)).astype(int)
    ]
    searched = table.find(codes, positions)
    assert ((cells == searched) | (cells == table.unresolved)).all()
    assert (cells == table.unresolved).mean() < 0.1


@given(flows)
def test_the_first_and_the_last_position_lead_somewhere_possible(flow):
    table = tabulate(flow, 0)
    for code in range(table.first_end):
        for position in (0, ONE - 1):
            target = int(table.find(np.array([code]), np.array([position], dtype=np.uint64))[0])
            assert widths(table, code)[target] > 0


def test_ends_lead_to_themselves():
    table = tabulate(random_flow(1), 0)
    for code in range(table.first_end, table.first_inserted):
        assert (table.cells[code << table.bits : code + 1 << table.bits] == code).all()


@given(flows, st.floats(0, 0.999))  # where all leave, nobody stays to compare
def test_friction_moves_nobody_who_stays(flow, factor):
    before, after = tabulate(flow, 0), tabulate(Friction(factor=factor).apply(flow), 0)
    positions = np.arange(0, ONE, ONE // 997, dtype=np.uint64)
    for code in range(1, before.first_end):
        codes = np.full(len(positions), code)
        control, treatment = before.find(codes, positions), after.find(codes, positions)
        left = (treatment >= after.first_left) & (treatment < after.truncated)
        assert ((control == treatment) | left).all()


def test_inserted_steps_take_the_place_of_the_state_they_lead_to():
    flow = random_flow(3, n_events=7)
    completion = int(np.flatnonzero(flow.kinds == StateKind.COMPLETION)[0])
    before, after = tabulate(flow, 0), tabulate(InsertSteps(count=3).apply(flow), 0)
    positions = np.arange(0, ONE, ONE // 997, dtype=np.uint64)
    for code in range(before.first_end):
        codes = np.full(len(positions), code)
        control, treatment = (table.states[table.find(codes, positions)] for table in (before, after))
        moved = control != treatment
        assert (control[moved] == completion).all()
        assert (treatment[moved] == flow.n_states).all()
        assert moved.sum() == (control == completion).sum()


def test_many_states_get_fewer_cells_each():
    table = tabulate(line_flow(*[0.9] * 800), 0)
    assert table.cells.size <= 2**20
    assert table.targets.dtype == np.uint16
