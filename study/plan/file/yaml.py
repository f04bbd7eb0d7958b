"""YAML 1.2, as study files are written: ``1e-3`` is a number, ``no`` is text, a duplicate key is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from study.errors import Mistakes, Refused, join, show


def parse(path: Path, mistakes: Mistakes) -> Any:
    """The content of a YAML file as plain values; a key that is not text is noted and taken as text.

    Raises Refused where the file is missing, is not YAML, or has a key twice.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        known = {"FileNotFoundError": "there is no such file", "IsADirectoryError": "is a folder"}
        wrong = known.get(type(error).__name__, f"cannot be read as text ({error})")
        raise Refused([f"{path}: {wrong}; give the path of a study file"]) from None
    except DuplicateKeyError as error:
        key = str(error.problem).partition('"')[2].partition('"')[0]
        raise Refused([f"{path}: {_place(error)}the key {key!r} is there twice; keep one"]) from None
    except MarkedYAMLError as error:
        raise Refused([f"{path}: {_place(error)}{error.problem}; this is not valid YAML"]) from None
    except (YAMLError, ValueError, TypeError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise Refused([f"{path}: this is not valid YAML ({words or type(error).__name__})"]) from None
    return plain(content, mistakes)


def plain(value: Any, mistakes: Mistakes, path: str = "", within: tuple[int, ...] = ()) -> Any:
    """``value`` with text for keys. Refuses an alias to what it stands in, which has no end, and sets."""
    if id(value) in within:
        mistakes.add(path, "refers to what it is part of; write it out")
        return None
    if isinstance(value, list):
        inside = (*within, id(value))
        return [plain(item, mistakes, join(path, i), inside) for i, item in enumerate(value)]
    if isinstance(value, set):
        mistakes.add(path, "is a set, which has no order; give a list")
        return list(value)
    if not isinstance(value, dict):
        return value
    inside, made = (*within, id(value)), {}
    for key, item in value.items():
        if not isinstance(key, str):
            mistakes.add(path, f"the key {show(key)} is not text; put it in quotes, or take it out")
        made[str(key)] = plain(item, mistakes, join(path, str(key)), inside)
    return made


def _place(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
