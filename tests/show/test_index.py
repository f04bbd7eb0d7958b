"""``results/index.html``: a link to the report of each study of a store, with what came of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study.plan.plan import Plan
from study.show.page.index import index
from study.store.layout import Store

TWO = "a: {vary: {activation: [tanh, relu]}, metrics: [test_loss]}"


def left(plan: Plan, store: Store, verdicts: Sequence[str], times: Sequence[str | None]) -> Path:
    """What a study leaves, as far as the page reads it."""
    plan.write(store, ())
    folder = store.study(plan.study)
    claims = {"verdict": pa.array(verdicts, pa.string()), "family": pa.array(["primary"] * len(verdicts), pa.string())}
    pq.write_table(pa.table(claims), folder / "claims.parquet")
    pq.write_table(pa.table({"started_at": pa.array(times, pa.string())}), folder / "runs.parquet")
    page = folder / "report.html"
    page.touch()
    return page


def test_each_study_has_a_link_and_what_came_of_it(planned: Callable[..., Plan], tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    plan = planned(TWO, "one").model_copy(update={"title": "It & <that>", "question": "Is <it> faster & better?"})
    verdicts = ["supported", "undecided", "supported"]
    first = left(plan, store, verdicts, ["2026-03-01T09:00:00+00:00", "2026-03-02T01:00:00+00:00", None])
    second = left(planned(TWO, "other"), store, [], [])
    left(planned(TWO, "undrawn"), store, [], []).unlink()
    text = index(store)
    assert text == index(store)
    body = ET.fromstring(text.removeprefix("<!DOCTYPE html>").replace('"utf-8">', '"utf-8"/>').replace(
        'initial-scale=1">', 'initial-scale=1"/>').replace('light dark">', 'light dark"/>'))  # fmt: skip
    links = [(link.attrib["href"], link.text) for link in body.iter("a")]
    assert links == [
        ("studies/one/report.html", plan.title),
        ("studies/other/report.html", planned(TWO, "other").title),
    ]
    assert [store.root / link for link, _ in links] == [first, second]
    assert [line.text for line in body.iter("p")] == [
        plan.question,
        "one · 2 arms · 3 claims: 2 supported, 0 refuted and 1 undecided · trained until 2026-03-02",
        "other · 2 arms",
    ]
    assert [(body.attrib["lang"], body.findtext("head/title"), body.findtext(".//h1"))] == [
        ("en", "Studies in results", "Studies in results")
    ]


def test_a_damaged_study_is_no_reason_to_fail(planned: Callable[..., Plan], tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    page = left(planned(TWO, "one"), store, ["supported"], ["2026-03-01T09:00:00+00:00"])
    page.with_name("claims.parquet").write_bytes(b"PAR1")
    assert '"notes">one · 2 arms · trained until 2026-03-01<' in index(store)
    page.with_name("plan.json").write_text("{")
    assert "<li>" not in index(store)
    assert page.with_name("claims.parquet").exists()
