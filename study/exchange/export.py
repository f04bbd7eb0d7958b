"""One study as a zip file: study file, records, report, versions, checksums, and how to draw it again."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import study
from study.axes.trainer import Command
from study.commit import commit
from study.errors import Refused
from study.exchange.holdings import provenance, read_rows
from study.plan.extract import copy, extract, moved
from study.plan.history import Freshness
from study.plan.plan import Plan, restated
from study.plan.workflow.command import run_command
from study.store.checksums import file_sum
from study.store.disk import scratch
from study.store.files import replacing
from study.store.layout import Store

SUMS = "SHA256SUMS"
README = """# {title}

A study made with Evenhand {version}, as `evenhand export` wrote it.

| | |
|---|---|
| `results/studies/{study}/report.html` | the report; beside it its tables, figures and Parquet files |
| `results/arms/`, `searches/`, `timing/` | the records of every run, search and timing that it is drawn from |
| `study/{file}` | the study file, and what it names beside it: code of one's own, runs that others trained |
| `environment.txt` | versions of what was installed where this was exported, and what the runs were made with |
| `{sums}` | checksums of all files |

To check the files:

    sha256sum -c {sums}

To draw the report again, from these records, in another folder; this one is only read:

    git clone ADDRESS evenhand            # of Evenhand's repository
    {checkout}
    pip install -r environment.txt ./evenhand
    evenhand draw results/studies/{study}/plan.json --into /tmp/again

To ask it: `evenhand show LABEL`, `evenhand why study/{file}`, and, where its data are to be had,
`evenhand reproduce study/{file} --sample 3` trains three of its runs again and compares.
Data are not in here: the study's plan has their SHA-256.
"""


def write(plan: Plan, store: Store, file: Path, goal: Path) -> int:
    """Write the zip file at ``goal``; returns how many files are in it. Two of the same results have the same bytes.

    Raises Refused where the study has no report, or one of other records, or of another state of the study file.
    """
    page = store.study(plan.study) / "report.html"
    again = f"run it: {run_command(file, store.root)}"
    if not page.exists():
        raise Refused([f"{page}: there is no report yet; {again}"])
    if restated(plan, store):
        raise Refused([f"{page}: is of another state of {file}; {again}"])
    if Freshness(plan, store).newer():
        raise Refused([f"{page}: is drawn from other records than {store.root}/ has by now; {again}"])
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused([f"{goal}: cannot be written ({error.strerror}); give another --to"]) from None
    with scratch() as folder:
        top = Path(folder) / plan.study
        _fill(plan, store, file, top)
        paths = sorted(path for path in top.rglob("*") if path.is_file())
        sums = [f"{file_sum(path)}  {path.relative_to(top)}\n" for path in paths]
        (top / SUMS).write_text("".join(sums), encoding="utf-8")
        with replacing(goal) as beside, ZipFile(beside, "w", ZIP_DEFLATED) as archive:
            for path in [*paths, top / SUMS]:
                about = ZipInfo(str(path.relative_to(folder)))  # of 1980: when it is written says nothing
                about.external_attr, about.compress_type = 0o644 << 16, ZIP_DEFLATED
                archive.writestr(about, path.read_bytes())
        return len(paths) + 1


def _fill(plan: Plan, store: Store, file: Path, top: Path) -> None:
    """The folder that is to be packed."""
    into, own = Store(top / "results"), top / "study"
    extract(plan, store, into)
    for path in sorted(store.study(plan.study).rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            copy(path, into.root / path.relative_to(store.root))
    copy(file, own / file.name)
    for path in _beside(plan, file.parent):
        copy(file.parent / path, own / path)
    given: dict[str, str] = {}  # path as planned → in the zip file
    for runs in plan.given.values():
        for path in runs.paths:
            near = os.path.relpath(path, file.parent)
            given[str(path)] = str(Path("study", path.name if near.startswith("..") else near))
    for planned, place in given.items():
        copy(Path(planned), top / place)
    moved(plan, lambda path: given[path]).write(into, ())
    version, known = study.__version__, (commit() or "").rstrip("+")
    checkout = f"git -C evenhand checkout {known}" if known else f"# version {version}; its commit is not known"
    title = " ".join(plan.title.split())
    words = README.format(checkout=checkout, title=title, study=plan.study, file=file.name, sums=SUMS, version=version)
    (top / "README.md").write_text(words, encoding="utf-8")
    (top / "environment.txt").write_text("".join(f"{line}\n" for line in _environment(plan, store)), encoding="utf-8")


def _beside(plan: Plan, folder: Path) -> Iterator[Path]:
    """Code of one's own, seen from the study file: modules that it names, whole packages, and scripts."""
    for name in sorted({factory.partition(":")[0].partition(".")[0] for factory in plan.places}):
        found = [folder / f"{name}.py", *sorted((folder / name).rglob("*.py"))]
        yield from (path.relative_to(folder) for path in found if path.is_file())
    trainers = {arm.outline.trainer for arm in plan.arms.values()}
    for trainer in trainers:
        if isinstance(trainer, Command):
            yield from (path for path in trainer.files(folder) if not path.is_absolute() and ".." not in path.parts)


def _environment(plan: Plan, store: Store) -> Iterator[str]:
    """A requirements file: what is installed here; and, as comments, what the runs were made with."""
    yield f"# Evenhand {study.__version__}, Python {platform.python_version()}, {platform.platform()}"
    ways = set[str]()
    for arm, blocks in store.present(plan.arms).items():
        for block in blocks:
            for row in read_rows(store.runs(arm, block)):
                ways.add(", ".join(f"{word} {value}" for word, value in provenance(row).items() if value is not None))
    for way in sorted(ways):
        yield f"# runs: {way}"
    found = {each.metadata["Name"]: each.version for each in distributions() if each.metadata["Name"] != "evenhand"}
    for name, version in sorted(found.items(), key=lambda each: each[0].lower()):
        public, _, build = version.partition("+")  # builds stand in other indices than PyPI
        yield f"{name}=={public}" + f"  # here: {version}" * bool(build)
