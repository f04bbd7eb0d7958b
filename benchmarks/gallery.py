"""Run the studies of config/gallery/ and of README.md, and write docs/gallery.md: what each asks, what came of it, its
figure; and into README.md what its study came to.

    python -m benchmarks.gallery [--only NAME …] [--results results/gallery]

With ``--only`` nothing is written: the studies run, and it fails where one does not end with a verdict on each claim.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from study.plan.plan import open_plan
from study.show.claims.table import lines, tally
from study.wording import counted

ROOT = Path(__file__).parents[1]
STUDIES, PAGE, README = ROOT / "config" / "gallery", ROOT / "docs" / "gallery.md", ROOT / "README.md"
FIRST = re.compile(r"```yaml\n(.*?)```", re.S)
PRINTED = re.compile(
    r"(?<=<!-- benchmarks/gallery.py writes this -->\n\n```text\n).*?(?=```\n\n<!-- until here -->)", re.S
)
HEAD = """# Gallery

After this page you know what a study can ask. Each of these is one file in `config/gallery/`, takes
under a minute on two cores, and ends with a verdict:
`snakemake --cores all --config study=config/gallery/NAME.yaml`. `make gallery` runs them all and writes this page.
Numbers are those of one processor: another rounds otherwise, and what is close may come out otherwise.
"""


def run(study: Path, results: Path) -> float:
    """Seconds of the whole study, to its report. Raises RuntimeError where it fails."""
    began = time.perf_counter()
    command = ["snakemake", "--cores", "all", "--config", f"study={study.relative_to(ROOT)}", f"results={results}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{study}\n{done.stderr[-3000:]}")
    return time.perf_counter() - began


def section(study: Path, results: Path) -> str:
    """What the study came to, as Markdown; its figure is copied beside the page."""
    folder = results / "studies" / study.stem
    (plan, _), claims = open_plan(folder / "plan.json"), pd.read_parquet(folder / "claims.parquet")
    first = plan.comparisons[0].name
    drawn = PAGE.parent / "gallery" / f"{study.stem}.svg"
    drawn.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / "figures" / "results" / f"{first}.svg", drawn)
    runs, name = sum(plan.wanted.values()), study.relative_to(ROOT).as_posix()
    claimed = lines(claims)
    seen = [f": {line.estimate}" * bool(line.estimate.around) for line in claimed]
    said = [f"- {x.mark} *{x.verdict}*: {x.claim}{e} ({x.reason})" for x, e in zip(claimed, seen, strict=True)]
    arms = counted(sum(len(comparison.arms) for comparison in plan.comparisons), "arm")
    about = f"[{name}](../{name}): {arms}, {counted(runs, 'run')}. {tally(claims)}."
    figure = f"![{plan.title}](gallery/{study.stem}.svg)"
    return "\n".join([f"## {plan.title}", "", about, "", *said, "", figure, ""])


def first(results: Path) -> None:
    """Run the study of README.md, and write there what ``evenhand claims`` prints of it."""
    page, file = README.read_text(encoding="utf-8"), results / "adam.yaml"
    results.mkdir(parents=True, exist_ok=True)
    file.write_text(FIRST.findall(page)[0], encoding="utf-8")
    print(f"README.md: {run(file, results):.0f} seconds", flush=True)
    command = [sys.executable, "-m", "study", "claims", str(file), "--results", str(results)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    README.write_text(PRINTED.sub(lambda _: printed, page), encoding="utf-8")


def main() -> None:
    known = {path.stem: path for path in sorted(STUDIES.glob("*.yaml"))}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=known, metavar="NAME", help=", ".join(known))
    parser.add_argument("--results", type=Path, default=Path("results/gallery"))
    arguments = parser.parse_args()
    results, made = ROOT / arguments.results, []
    for name in arguments.only or known:
        seconds = run(known[name], results)
        claims = pd.read_parquet(results / "studies" / name / "claims.parquet")
        print(f"{name}: {seconds:.0f} seconds; {tally(claims)}", flush=True)
        if not arguments.only:
            made.append(section(known[name], results))
        elif claims.empty:
            sys.exit(f"{name}: has no verdict")
    if made:
        PAGE.write_text("\n".join([HEAD, *made]), encoding="utf-8")
        first(results)


if __name__ == "__main__":
    main()
