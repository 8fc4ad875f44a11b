from dataclasses import replace
from threading import Barrier, Thread

import numpy as np
import pytest

from persona_tui.engine.errors import UnknownNameError
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.params import Range
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.baseline import Baseline
from persona_tui.engine.simulation.effects import Friction
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import compare_arms
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.engine.simulation.kept_property import KeptProperty
from persona_tui.engine.simulation.measures import Measures
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import FlowDraws, draw_flows
from persona_tui.engine.statistics import interval, intervals

SEED = normalise_seed(0)
CHANGE = FlowModification(effects=(Friction(factor=Range(0.02, 0.05, 0.1)),))


@pytest.fixture(scope="module")
def baseline(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 3, random_state=0)
    )
    simulator = ProductFlowSimulator.from_counts(generator, sample.counts)
    return Baseline(
        simulator=simulator, draws=draw_flows(simulator, 60, SEED), measures=Measures(unit=simulator.unit)
    )


def preview(baseline, **asked):
    return compare_arms(baseline, CHANGE, seed=SEED, solver="exact", **asked)


def test_a_preview_of_few_metrics_has_the_numbers_of_all(baseline):
    few, every = preview(baseline, metrics=METRICS), preview(baseline)
    assert few.metrics == METRICS != every.metrics
    for mine, full in zip((few.total, *few.personas), (every.total, *every.personas), strict=True):
        assert mine.uplifts == {metric: full.uplifts[metric] for metric in METRICS}


def test_a_metric_that_is_asked_for_stands_beside_those_of_every_result(baseline):
    assert preview(baseline, metrics=["return_rate"]).metrics == (*METRICS, "return_rate")


def test_a_metric_that_is_not_measured_is_refused_with_the_near_name(baseline):
    with pytest.raises(UnknownNameError, match="return_rate"):
        preview(baseline, metrics=["return_rat"])


def test_numbers_do_not_depend_on_the_threads_that_solve_them(baseline, monkeypatch):
    monkeypatch.setattr(FlowDraws, "block_size", 7)  # several blocks, the last one short
    found = [preview(replace(baseline, workers=workers)) for workers in (1, 2, 5)]
    for other in found[1:]:
        assert (other.total, other.personas) == (found[0].total, found[0].personas)
        assert np.array_equal(other.drawn_uplifts, found[0].drawn_uplifts)


def test_chains_that_are_too_many_to_keep_give_the_same_numbers(baseline, monkeypatch):
    kept = preview(baseline)
    monkeypatch.setattr("persona_tui.engine.simulation.baseline._KEPT_BYTES", 0)
    assert preview(replace(baseline, workers=2)).total == kept.total


def test_parts_that_are_pooled_together_have_the_means_of_each(baseline):
    values = baseline.evaluate(baseline.drawn(), CHANGE)
    parts = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.3, 0.0, 0.7], [0.0, 0.0, 0.0]]).T
    for metric in baseline.metrics:
        together = values.pooled("treatment", metric, parts)
        for each, part in zip(together.T, parts.T, strict=True):
            np.testing.assert_allclose(each, values.pooled("treatment", metric, part), rtol=1e-13)
    own = values.metrics["treatment"]["completion_rate"][:, 1]
    assert np.array_equal(values.pooled("treatment", "completion_rate", parts)[:, 1], own)
    assert np.isnan(values.pooled("treatment", "completion_rate", parts)[:, 3]).all()


def test_many_intervals_at_once_are_those_of_each():
    draws = np.random.default_rng(0).normal(size=(101, 3, 2))
    ends = intervals(draws)
    assert all(tuple(ends[:, i, j]) == interval(draws[:, i, j]) for i in range(3) for j in range(2))


def test_threads_work_out_properties_of_different_objects_at_once():
    both_are_in = Barrier(2, timeout=10)

    class Slow:
        @KeptProperty
        def value(self):
            both_are_in.wait()
            return object()

    one, other = Slow(), Slow()
    threads = [Thread(target=lambda each=each: each.value) for each in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.value is one.value is not other.value
