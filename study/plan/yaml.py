"""Study files are YAML 1.2: ``1e-3`` is a number, ``no`` is text, a duplicate key is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError

from study.plan.mistakes import Refused


def read(path: Path) -> Any:
    """The content of a YAML file as plain values.

    Raises Refused where the file is missing, is not YAML, or has a key twice.
    """
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused([f"{path}: there is no such file; give the path of a study file"]) from None
    except (IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
        raise Refused([f"{path}: cannot be read as text ({error}); give the path of a study file"]) from None
    except DuplicateKeyError as error:
        raise Refused([f"{path}: {_place(error)}{str(error.problem).splitlines()[0]}; keep one"]) from None
    except MarkedYAMLError as error:
        raise Refused([f"{path}: {_place(error)}{error.problem}; this is not valid YAML"]) from None
    except YAMLError as error:
        raise Refused([f"{path}: this is not valid YAML ({error})"]) from None


def _place(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
