"""From a study file to a ``Study``, or to all its mistakes of shape."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from study.errors import Mistakes, Refused
from study.plan.file import shape, yaml
from study.plan.file.models import StudyFile


class Study(NamedTuple):
    """A study as it is written, and where."""

    path: Path
    file: StudyFile


def read(path: Path) -> Study:
    """The study at ``path``. Raises Refused with every mistake of shape."""
    mistakes = Mistakes(str(path))
    content = yaml.read(path, mistakes)
    if not isinstance(content, dict):
        raise Refused([f"{path}: holds no study; begin with 'study:', 'baseline:' and 'comparisons:'"])
    try:
        file = StudyFile.model_validate(content)
    except ValidationError as failure:
        shape.note(failure, content, mistakes)
    mistakes.raise_any()
    return Study(path, file)
