"""The verbs for a project of one's own: new, run."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import evenhand
from study.errors import Refused
from study.plan.file import reference
from study.plan.workflow.command import command as typed
from study.plan.workflow.command import store_beside
from study.store.layout import DEFAULT_RESULTS

TEMPLATE = Path(__file__).with_name("template")
# Options of Snakemake that say how much runs at a time, or name a profile that may; the keys of one that does.
SAID = re.compile(r"--(cores|jobs|executor|profile|workflow-profile)\b|-[cje]")
SAYS = re.compile(r"^(cores|jobs|executor):", re.MULTILINE)


def new(arguments: Namespace) -> None:
    """Write a project: a study, code and data of its own, profiles, a README, and what takes in the workflow."""
    folder = Path(arguments.folder)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Refused([f"{folder}: is not empty; give the name of a folder that is new, or empty"])
        shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        shutil.copytree(evenhand.HOME / "profiles", folder / "profiles")
        (folder / "gitignore").rename(folder / ".gitignore")  # under that name git would heed it in the template
        (folder / reference.SCHEMA.name).write_text(reference.schema(), encoding="utf-8")
    except OSError as error:
        raise Refused([f"{folder}: {error.strerror or error}; give another folder"]) from None
    print(f"{folder}: a study to begin with, and what is in it (README.md)")
    print(f"Next: cd {shlex.quote(str(folder))} && {typed('run', 'study.yaml')}")


def run(arguments: Namespace) -> int:
    """Run a study by Snakemake, with the workflow of this command. Returns its exit status."""
    from snakemake.cli import main as snakemake

    given = _given(arguments.options)
    if any(entry.partition("=")[0] == "study" for entry in given.config):
        raise Refused([f"--config study: the study is {arguments.file} already; take one out"])
    said = any(entry.partition("=")[0] == "results" for entry in given.config) or given.directory
    if not said and (beside := store_beside(arguments.file, DEFAULT_RESULTS)):
        more = f"{typed('run', arguments.file, '--config', f'results={beside}')}"
        print(
            f"{beside}/ has results of this study, and results/ has none; to go on with these: {more}", file=sys.stderr
        )
    sys.argv = ["snakemake", *command(arguments.file, given)]  # which the workflow reads too
    status: object = 0
    try:
        snakemake()
    except SystemExit as end:
        status = end.code
    return status if isinstance(status, int) else int(status is not None)


def command(file: str, given: Namespace) -> list[str]:
    """What Snakemake is called with. Options that a person gave come last, where they count."""
    here = [*Path("profiles/default").glob("*.yaml"), *Path("default").glob("*.yaml")]
    said = any(map(SAID.match, given.others)) or "SNAKEMAKE_PROFILE" in os.environ
    cores = [] if said or any(SAYS.search(path.read_text()) for path in here) else ["--cores", "all"]
    place = ["--directory", given.directory] if given.directory else []
    config = ["--config", f"study={file}", *given.config]  # which ends where another option begins
    return [*config, "--snakefile", evenhand.snakefile, *cores, *place, *given.others]


def _given(options: Sequence[str]) -> Namespace:
    """Those of Snakemake's options that are read here, and ``others``."""
    parser = argparse.ArgumentParser("evenhand run", add_help=False, allow_abbrev=False)
    parser.add_argument("--config", "-C", nargs="*", action="extend", default=[])
    parser.add_argument("--directory", "-d")
    given, others = parser.parse_known_args(options)
    return Namespace(others=others, **vars(given))
