"""What is outside of the package: the installed command, and the workflow that a Snakefile of one's own takes in.

``from evenhand import snakefile`` finds both wherever it is called, also where a person's own ``study.py`` is found
before the package ``study``.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib.machinery import PathFinder
from pathlib import Path

HERE = Path(__file__).resolve().parent
_INSTALLED = HERE / "study" / "repository"  # what setup.py has a wheel carry of the repository
HOME = _INSTALLED if _INSTALLED.is_dir() else HERE  # holds Snakefile, workflow/ and profiles/
snakefile = str(HOME / "Snakefile")
found = shutil.which("evenhand")  # by a person's shell: before anything here changes where it looks


def lead() -> None:
    """Let ``study`` be the package beside this module: here, and in the processes that begin here."""
    found = PathFinder.find_spec("study")
    same = found and found.origin and Path(found.origin).resolve() == HERE / "study" / "__init__.py"
    # Only where it must be: what is installed beside a package may hide modules of Python itself.
    if not same or HOME == HERE:
        sys.path.insert(0, str(HERE))
        paths = [str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))


def main() -> int:
    """The command ``evenhand``: see ``study.__main__``."""
    lead()
    from study.__main__ import main

    return main()
