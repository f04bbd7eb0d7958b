"""Whole studies, from the command to the finished report: ratios to a plain loop, and to the code before, in one run.

    python -m benchmarks.studies [--only NAME ...] [--before COMMIT]

Everything is a process of its own, started cold, two at a time on two cores; all that is compared runs in turn. It
takes about a quarter of an hour, and prints the table of README.md. The code before is checked out from this
repository's history (it is skipped where a shallow clone has none), and runs with the packages installed here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from benchmarks import large, planning
from benchmarks.training import OPTIMIZERS, PROCESSES, RATES, recipe, seconds
from study.engine.inputs.prepare import prepare

ROOT = Path(__file__).parents[1]
BEFORE = "b7738e7"  # the last commit whose jobs carried one arm each
ROUNDS = 3
SMALL = """
study: small
baseline: {{dataset: digits, network: {{name: mlp, hidden: [64, 64]}}, optimizer: {{name: sgd, lr: 0.1}},
           batch_size: 32, epochs: 30}}
seeds: 10
comparisons:
  optimizer:
    vary:
      optimizer: [{arms}]
    metrics: [test_accuracy, val_loss]
"""
Row = tuple[str, str, float]  # work, of what, ratio of medians


def timed(command: list[str], root: Path = ROOT, folder: Path = ROOT) -> tuple[float, str]:
    """Wall seconds of ``command`` with the code in ``root``, and what it printed. Raises RuntimeError if it fails."""
    # Where SLURM's commands are installed, its plugin would look for a controller for ten seconds.
    environment = os.environ | {"SLURM_CONF": "/dev/null", "PYTHONPATH": str(root)}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    took = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return took, done.stdout


def snakemake(study: Path, results: Path, *more: str, root: Path = ROOT) -> float:
    """Wall seconds of one call, for all cores."""
    config = ["--config", f"study={study}", f"results={results}"]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--cores", "all"]
    return timed([*command, "--resources", "gpu=4", *more, *config], root, results.parent)[0]


def ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(ours) / statistics.median(theirs)


def small(folder: Path, before: Path | None) -> Iterator[Row]:
    """180 runs of a small network: 18 arms, 10 seeds, 30 epochs."""
    arms = ", ".join(f"{{name: {name}, lr: {lr}}}" for name in OPTIMIZERS for lr in RATES)
    study = folder / "small.yaml"
    study.write_text(SMALL.format(arms=arms))
    whole, inside, loops, loop = [], [], [], []
    for number in range(ROUNDS):
        results = folder / f"small-{number}"
        whole.append(snakemake(study, results))
        packs = [json.loads(path.read_text())["packs"] for path in (results / "jobs").glob("*.done")]
        inside.append(max(sum(pack["seconds"] for pack in each) for each in packs))
        took, words = timed([sys.executable, "-m", "benchmarks.studies", "--plain"])
        loops.append(took)
        loop.append(float(words))
    yield "180 runs, `snakemake` to the finished report", "a plain loop that trains and evaluates", ratio(whole, loops)
    yield "the same, training alone", "the loop alone", ratio(inside, loop)


def plain() -> float:
    """Wall seconds of the 180 runs by the plain loop, in two processes, without their start."""
    arms = [recipe(optimizer, lr, 30) for optimizer in OPTIMIZERS for lr in RATES]
    with (
        tempfile.TemporaryDirectory() as name,
        ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool,
    ):
        path = Path(name) / "digits.npz"
        prepare(arms[0].dataset, path)
        seconds("plain, fused", [recipe("sgd", 0.1, 1)] * 2, 1, path, pool)  # imports
        return seconds("plain, fused", arms, 10, path, pool)[0]


def article(folder: Path, before: Path | None) -> Iterator[Row]:
    """The default study as it was then, tuned once; drawing it again from its records; as it is now, tuned by seed."""
    if before is None:
        return
    study = before / "config" / "article.yaml"
    whole, drawn, again = dict[Path, float](), dict[Path, float](), dict[Path, float]()
    for root in (ROOT, before):
        results = folder / f"article-{root.name}"
        whole[root] = snakemake(study, results, root=root)
        for kept in results.glob("studies/.*.drawn.json"):
            kept.unlink()  # without it, all is drawn
        drawn[root] = snakemake(study, results, "--forcerun", "collect", root=root)
        again[root] = snakemake(study, results, root=root)
        took = ", ".join(f"{each[root]:.1f} s" for each in (whole, drawn, again))
        print(f"{root.name}: config/article.yaml, drawn again, nothing to do: {took}", file=sys.stderr, flush=True)
    for what, each in (
        ("the default study of that commit, installed", whole),
        ("drawing it again from its records", drawn),
        ("a second call with nothing to do", again),
    ):
        yield what, "the code before", each[ROOT] / each[before]
    now = snakemake(ROOT / "config" / "article.yaml", folder / "article-now")
    print(f"config/article.yaml as it is now: {now:.1f} s", file=sys.stderr, flush=True)
    yield "the default study as it is now: each run tuned for itself", "tuned once", now / whole[ROOT]


def plans(folder: Path, before: Path | None) -> Iterator[Row]:
    """A dry run of many arms."""
    (folder / "ten.yaml").write_text(planning.TEN_THOUSAND)
    (folder / "Bare").write_text("rule all:\n    output: 'x'\n    shell: 'touch x'\n")
    dry = [sys.executable, "-m", "snakemake", "-n", "-q", "--snakefile"]
    bare = planning.seconds([*dry, "Bare"], folder)
    ours = planning.seconds([*dry, str(ROOT / "Snakefile"), "--config", "study=ten.yaml"], folder)
    yield "`snakemake -n`, 10,000 arms", "a bare `snakemake -n`", ours / bare


def networks(folder: Path, before: Path | None) -> Iterator[Row]:
    """Larger networks, four seeds, one thread each."""
    for name, case in large.CASES.items():
        _, words = timed([sys.executable, "-m", "benchmarks.large", name])
        yield case.title, "plain loops, one seed after the other", float(words)


WORK: dict[str, Callable[[Path, Path | None], Iterator[Row]]] = {
    "plans": plans,
    "networks": networks,
    "small": small,
    "article": article,
}


def checked_out(commit: str, folder: Path) -> Path | None:
    """The code of ``commit``, in ``folder``; None where this repository does not have it."""
    try:
        content = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        print(f"no commit {commit} here: what is compared with it is skipped", file=sys.stderr)
        return None
    folder.mkdir()
    subprocess.run(["tar", "-x"], cwd=folder, input=content, check=True)
    (folder / "evenhand.py").write_text("from study.__main__ import main\n")  # for the command that is installed here
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=WORK, default=list(WORK), help="work to time")
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT", help=f"the code before (default {BEFORE})")
    parser.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)  # the other side, as a process
    arguments = parser.parse_args()
    if arguments.plain:
        print(plain())
        return
    cpu = (
        re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) if Path("/proc/cpuinfo").exists() else None
    )
    print(f"{os.cpu_count()} cores ({cpu[1] if cpu else 'unknown'}), torch {torch.__version__}\n")
    print("| work | to | ratio |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = checked_out(arguments.before, folder / "before") if "article" in arguments.only else None
        for work in arguments.only:
            for what, to, found in WORK[work](folder, before):
                print(f"| {what} | {to} | {found:.2f} |", flush=True)


if __name__ == "__main__":
    main()
