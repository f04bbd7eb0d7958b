"""The slurm profile on a real SLURM: devices, interruptions, the same numbers."""

from __future__ import annotations

import json
import shutil
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from study.__main__ import main
from tests.slurm import accounting
from tests.slurm.cluster import CORES
from tests.slurm.conftest import Job, Ran
from tests.workflow.conftest import Place


def attempts(ran: Ran, label: str) -> list[Job]:
    """The jobs that trained an arm of the interrupted study, first to last."""
    return sorted(ran.of(f"job {ran.ids[label]}"), key=lambda job: int(job.id))


def many(ran: Ran) -> list[Job]:
    """The jobs of the study of many arms."""
    ids = {path.stem for path in ran.many.results.glob("jobs/*.done")}
    return [job for job in ran.jobs if ids.intersection(job.rule.split())]


def test_many_small_arms_are_one_job_and_runs_that_are_not_stacked_one_each(ran: Ran) -> None:
    """The small arms are so little that they stand with one of the others."""
    made = [json.loads(path.read_text()) for path in ran.many.results.glob("jobs/*.done")]
    runs = [[pack["runs"] for pack in receipt["packs"]] for receipt in made]
    assert [each.count(1) for each in runs] == [1] * 2
    assert sum(max(each) > 1 for each in runs) == 1
    assert {len(job.devices) for job in many(ran)} == {1}
    together = [(a, b) for a, b in combinations(many(ran), 2) if a.overlaps(b)]
    assert together
    assert all((a.node, a.devices) != (b.node, b.devices) for a, b in together)


def test_a_job_that_was_killed_trains_nothing_twice(ran: Ran) -> None:
    assert 0 < len(ran.before) < 12
    assert {path: path.read_bytes() for path in ran.before} == ran.before
    [killed] = [job for job in many(ran) if job.id == ran.killed]
    [again] = [job for job in many(ran) if job.rule == killed.rule and job is not killed]
    assert (killed.state, again.state) == ("CANCELLED", "COMPLETED")
    done = {path.parent.name for path in ran.before}
    assert all(f"{arm}, seeds 0-3: there by now; nothing to train" in again.log for arm in done)


def test_all_studies_are_done(ran: Ran) -> None:
    assert "/results/studies/smoke/report.html (6 of 6 runs)" in ran.output["smoke"]
    assert "/results/studies/interrupted/report.html (6 of 6 runs)" in ran.output["interrupted"]
    assert "Training and timing are submitted as jobs (slurm)" in ran.output["smoke"]
    assert "/results/studies/many/report.html (50 of 50 runs)" in ran.output["many"]
    for place in (ran.smoke, ran.interrupted, ran.many):
        assert not [*place.results.glob("arms/*/*-*.json"), *place.results.glob("checkpoints/*")]


def test_only_training_and_timing_are_jobs(ran: Ran) -> None:
    """The light rules run beside Snakemake, and nobody but the two interrupted jobs had to run twice."""
    rules = sorted(job.rule.partition(" ")[0] for job in ran.jobs if job not in many(ran))
    assert rules == ["head", *["job"] * 6, "time"]


def test_every_job_saw_its_own_devices(ran: Ran) -> None:
    jobs = [*ran.of("job"), *ran.of("time")]
    assert {job.gpus for job in jobs} == {1, 2}
    assert all(len(job.devices) == job.gpus for job in jobs)


def test_jobs_on_one_node_never_share_a_device(ran: Ran) -> None:
    pairs = [(a, b) for a, b in combinations(ran.of("job"), 2) if a.beside(b)]
    assert pairs
    assert all(a.devices.isdisjoint(b.devices) for a, b in pairs)


def test_an_arm_of_two_devices_gets_both_on_one_node(ran: Ran) -> None:
    [job] = attempts(ran, "two devices")
    assert job.state == "COMPLETED"
    assert (len(job.devices), job.gpus, job.cores) == (2, 2, 2)
    assert job.node in {"n1", "n2", "n3", "n4"}
    assert "2 workers" in job.log


def test_a_cancelled_job_is_tried_again(ran: Ran) -> None:
    first, second = attempts(ran, "cancelled")
    assert (first.state, second.state) == ("CANCELLED", "COMPLETED")
    assert "2 finished" in second.log


def test_a_job_out_of_time_goes_on_from_its_checkpoint(ran: Ran) -> None:
    first, second = attempts(ran, "out of time")
    assert first.state in ("FAILED", "TIMEOUT")  # it ended by itself after the warning
    assert second.state == "COMPLETED"
    assert "going on after step" in second.log
    assert "2 finished" in second.log


def test_timing_is_alone_on_its_node(ran: Ran) -> None:
    [timing] = ran.of("time")
    assert timing.state == "COMPLETED"
    assert timing.cores == CORES
    assert not [job.id for job in ran.jobs if job.beside(timing)]
    assert [job.id for job in ran.jobs if job.start < timing.end and timing.start < job.end and job.id != timing.id]


@pytest.mark.skipif(accounting.unavailable() is not None, reason=str(accounting.unavailable()))
def test_the_efficiency_report_tells_what_each_job_used(ran: Ran) -> None:
    [path] = (ran.interrupted.results / "logs" / "slurm").glob("efficiency_report_*.csv")
    told = pd.read_csv(path)
    trained = told[told["RuleName"].str.startswith("rule_job")]
    assert {job for job in ran.ids.values() if trained["RuleName"].str.contains(job).any()} == {*ran.ids.values()}
    assert (trained["RequestedMem_MB"] >= 4000).all()
    assert trained["MaxRSS_MB"].max() > 100  # torch alone takes more


def test_the_numbers_are_those_of_one_machine(ran: Ran) -> None:
    """Run for run and bit for bit, curves included; only where and when differ."""
    paths = sorted(path.relative_to(ran.alone.results) for path in ran.alone.results.glob("arms/*/*.parquet"))
    assert len(paths) == 4
    for path in paths:
        here, there = (pd.read_parquet(place.results / path) for place in (ran.alone, ran.smoke))
        where = [name for name in ("started_at", "commit", "host") if name in here]
        pd.testing.assert_frame_equal(here.drop(columns=where), there.drop(columns=where), check_exact=True)


def test_a_laptop_and_the_cluster_make_one_report(ran: Ran, tmp_path: Path) -> None:
    """Each has an arm that the other has not: merged, the page is that of a machine which trained both."""
    arms = sorted(path.name for path in ran.alone.results.glob("arms/*"))
    stores = [tmp_path / "laptop", tmp_path / "cluster"]
    for store, place, other in zip(stores, (ran.alone, ran.smoke), arms, strict=True):
        shutil.copytree(place.results, store, ignore=shutil.ignore_patterns(other))
    shutil.rmtree(stores[0] / "timing")  # there is one
    both = Place(tmp_path / "both", ran.smoke.study)
    both.folder.mkdir()
    shutil.copy(ran.smoke.folder / ran.smoke.study, both.folder)
    assert main(["merge", *map(str, stores), "--results", str(both.results)]) == 0
    done = both.snakemake(config="cached=true")
    assert (done.returncode, "report.html (6 of 6 runs)" in done.stderr + done.stdout) == (0, True), done.stderr
    found, wanted = (
        pd.read_parquet(place.results / "studies" / "smoke" / "observations.parquet") for place in (both, ran.smoke)
    )
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)
    page = (both.results / "studies" / "smoke" / "report.html").read_text(encoding="utf-8")
    assert "not all runs were made alike" not in page
