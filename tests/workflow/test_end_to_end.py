"""One study through Snakemake: what it leaves, and that nothing is trained twice."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import shutil
from pathlib import Path

import pandas as pd

from study.plan.file.expand import prepare
from study.store.layout import Store
from tests.workflow.conftest import Place


def edit(place: Place, old: str, new: str) -> None:
    path = place.folder / place.study
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def arm_of(place: Place, label: str) -> str:
    plan = prepare(place.folder / place.study, Store(place.results))
    return next(arm.arm for arm in plan.comparisons[0].arms if arm.label == label)


def test_a_study_leaves_what_the_design_names(finished: Place) -> None:
    folder = finished.results / "studies" / "smoke"
    names = [f"{name}.parquet" for name in ("runs", "curves", "timing", "observations", "summary")]
    names += [f"tables/optimizer.{ending}" for ending in ("csv", "md", "tex")]
    names += ["figures/results/optimizer.svg"]  # of one format, as it asks
    for name in (*names, "plan.json", "history.json", "report.html"):
        assert (folder / name).stat().st_size > 0, name
    runs = pd.read_parquet(folder / "runs.parquet")
    assert sorted(runs["status"]) == ["finished"] * 6
    assert not list(finished.results.glob("arms/*/started-*")) + list(finished.results.glob("arms/*/failed-*"))


def test_the_last_line_says_where_the_report_is(finished: Place) -> None:
    text = (finished.folder / "end.txt").read_text()
    assert "/results/studies/smoke/report.html (6 of 6 runs)" in text
    assert "training runs on the CPU" in text or "GPU" in text


def test_a_second_run_does_nothing(place: Place) -> None:
    assert place.jobs() == {}


def test_neither_mtimes_nor_comments_nor_titles_train_anything(place: Place) -> None:
    shutil.rmtree(place.folder / ".snakemake")
    shuffled = random.Random(0)
    for path in place.folder.rglob("*"):
        os.utime(path, (0, shuffled.randint(1_000_000_000, 1_700_000_000)))
    edit(place, "title: Two optimizers", "title: Still two optimizers  # a comment")
    assert {"job", "time", "data"}.isdisjoint(place.jobs())


def test_a_dry_run_states_nothing_and_a_run_does_before_it_trains(place: Place) -> None:
    path = place.results / "studies" / "smoke" / "history.json"
    before = path.read_bytes()
    claim = "    claims: [{metric: test_accuracy, better: adam, than: sgd, exploratory: true}]\n"
    study = place.folder / place.study
    study.write_text(study.read_text().rstrip() + "\n" + claim)
    assert place.jobs()["collect"] == 1
    assert path.read_bytes() == before
    done = place.snakemake("--until", "collect")
    assert done.returncode == 0, done.stderr
    [stated] = [entry["stated"] for entry in json.loads(path.read_text())["claims"].values()]
    assert stated["runs"] == 6


def test_a_new_arm_trains_alone(place: Place) -> None:
    before = place.records()
    edit(place, "optimizer: [sgd,", "optimizer: [sgd, {name: adagrad, lr: 0.05},")
    edit(place, "study: smoke", "study: wider")
    assert place.jobs()["job"] == 1
    assert place.snakemake().returncode == 0
    after = place.records()
    assert len(after) == 3
    assert {name: after[name] for name in before} == before


def test_a_deleted_arm_is_trained_again_alone_with_the_same_numbers(place: Place) -> None:
    arm = arm_of(place, "adam")
    was = pd.read_parquet(place.results / "arms" / arm / "runs-0-2.parquet")
    before = place.records()
    for name in (place.results / "arms" / arm, place.results / "datasets", place.folder / ".snakemake"):
        shutil.rmtree(name)
    report = place.results / "studies" / "smoke" / "report.html"
    os.utime(report)
    assert place.jobs()["job"] == 1
    assert place.snakemake().returncode == 0
    after = place.records()
    assert [name for name in before if after[name][0] != before[name][0]] == [f"arms/{arm}/runs-0-2.parquet"]
    now = pd.read_parquet(place.results / "arms" / arm / "runs-0-2.parquet")
    provenance = ["started_at", "commit", "pack"]
    pd.testing.assert_frame_equal(now.drop(columns=provenance), was.drop(columns=provenance), check_exact=True)


def test_more_seeds_train_only_the_new_ones(place: Place) -> None:
    edit(place, "seeds: 3", "seeds: 4")
    assert place.jobs()["job"] == 1
    assert place.snakemake().returncode == 0
    blocks = sorted(path.name for path in place.results.glob("arms/*/runs-*.parquet"))
    assert blocks == ["runs-0-2.parquet"] * 2 + ["runs-3-3.parquet"] * 2
    runs = pd.read_parquet(place.results / "studies" / "smoke" / "runs.parquet")
    assert runs.groupby("arm")["seed"].apply(list).tolist() == [[0, 1, 2, 3]] * 2


def test_an_arm_taken_out_changes_the_report_only(place: Place) -> None:
    before = place.records()
    edit(place, "[sgd, {name: adam, lr: 0.01}]", "[sgd]")
    edit(place, ", seconds_to_target, memory_mib", "")
    assert set(place.jobs()) == {"collect", "report"}
    assert place.snakemake().returncode == 0
    assert place.records() == before
    assert "adam" not in (place.results / "studies" / "smoke" / "tables" / "optimizer.csv").read_text()


def test_snakemakes_own_report_has_the_page_and_every_table_and_figure(place: Place, tmp_path: Path) -> None:
    done = place.snakemake("--report", str(tmp_path / "report.html"))
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    [shown] = re.findall(r"var results = (\{.*\});\n", text)
    [categories] = re.findall(r"var categories = (\{.*\});\n", text)
    folder = "results/studies/smoke"
    wanted = {
        f"{folder}/report.html": {"page": "the whole study"},
        f"{folder}/tables/optimizer.csv": {"comparison": "optimizer"},
        f"{folder}/figures/results/optimizer.svg": {"comparison": "optimizer", "figure": "results"},
    }
    assert {path: about["labels"] for path, about in json.loads(shown).items()} == wanted
    for path, about in json.loads(shown).items():
        assert about["caption"].count(" ") > 20
        assert base64.b64decode(about["data_uri"].partition(",")[2]) == (place.folder / path).read_bytes()
    assert sorted(json.loads(categories)) == ["Figures", "Report", "Tables"]
