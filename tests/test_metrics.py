"""Every metric: what it reads is recorded, and can be computed from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from study.metric import Computed, Final, PerRound
from study.metrics import METRICS
from study.store.schemas import RUNS, TIMING

COMPUTED = {name: metric.source for name, metric in METRICS.items() if isinstance(metric.source, Computed)}


def test_columns_that_metrics_may_read_are_recorded() -> None:
    assert set(Final.readable) <= set(RUNS.names)
    assert set(PerRound.readable) - {"steps", "reference_seconds"} <= set(TIMING.names)
    text = {field.name for field in (*RUNS, *TIMING) if pa.types.is_string(field.type)}
    assert not text & (Final.readable.keys() | PerRound.readable.keys())


@pytest.mark.parametrize("name", COMPUTED)
def test_a_metric_is_computed_from_columns_that_there_are(name: str) -> None:
    source = COMPUTED[name]
    assert set(source.columns) <= set(source.readable)
    values = np.random.default_rng(0).uniform(0.1, 1, (5, len(source.readable)))
    rows = pd.DataFrame(values, columns=list(source.readable))
    found = source.value(rows)
    assert len(found) == 5
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_that_reads_accuracies_needs_classes(name: str) -> None:
    reads = COMPUTED[name].columns if name in COMPUTED else ()
    assert METRICS[name].accuracy == any("accuracy" in column or "f1" in column for column in reads)
    assert METRICS[name].accuracy or not name.endswith(("_accuracy", "_f1"))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_says_what_it_is(name: str) -> None:
    about = METRICS[name]
    assert about.title
    assert about.definition
    assert not about.percent or about.unit == "fraction"
    assert about.comparative.endswith(about.title)
    assert about.superlative.endswith(about.title)
