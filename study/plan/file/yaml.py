"""YAML 1.2, as study files are written: ``1e-3`` is a number, ``no`` is text, a duplicate key is an error.

What nobody writes by hand is refused before it costs anything: megabytes, depths, aliases that multiply.
"""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import ConstructorError, DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError

from study.errors import Mistakes, join
from study.wording import UNPRINTABLE, show

LARGEST = 500_000  # bytes of a file
MOST = 50_000  # values in it, with those that aliases stand for
DEEPEST = 30  # lists and mappings within each other
# YAML lets nobody write ``UNPRINTABLE`` but by an escape. None of it can be shown, and lone surrogates are in no
# encoding; but a control character may be what parts the cells of somebody's CSV file.
NO_TEXT = re.compile("[\0\ud800-\udfff\ufffe\uffff]")
FORMAT = "read"  # the part that says how a CSV file is written
OTHER_VERSION = re.compile(r"%YAML\s+(?!1\.2)")
KINDS = {"bool": "true or false", "int": "a whole number", "float": "a number", "timestamp": "a date"}


class TooMuch(MarkedYAMLError):
    """Valid, and more than a study file needs."""


class _Composer(Composer):
    """Counts the values, those that an alias stands for each time, and how deep they are."""

    def __init__(self, loader: object = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False  # the later one holds, as YAML has it
        self.values = self.level = 0
        self.sizes: dict[Node, int] = {}  # of what is composed

    def compose_node(self, parent: object, index: object) -> Node:
        mark = self.parser.peek_event().start_mark
        self.level, before = self.level + 1, self.values
        if self.level > DEEPEST:
            raise TooMuch(None, None, f"is more than {DEEPEST} levels deep; write it with fewer", mark)
        node: Node = super().compose_node(parent, index)
        self.values = before + self.sizes.get(node, 0) if node in self.sizes else self.values + 1
        if self.values > MOST:
            words = f"is where there are more than {MOST:,} values, with those that aliases stand for; write fewer"
            raise TooMuch(None, None, words, mark)
        self.sizes.setdefault(node, self.values - before)
        self.level -= 1
        return node


class _Constructor(SafeConstructor):
    """Says where a value is that its tag does not suit, and knows no tags that JSON has no values for."""

    def construct_non_recursive_object(self, node: Node, tag: str | None = None) -> object:
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        if kind in ("binary", "omap", "pairs"):
            self.construct_undefined(node)
        try:
            return super().construct_non_recursive_object(node, tag)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            given = show(node.value) if isinstance(node.value, str) else "this"
            raise ConstructorError(None, None, f"{given} is not {KINDS.get(kind, kind)}", node.start_mark) from None


def parse(path: Path, mistakes: Mistakes) -> object:
    """The content of a YAML file as plain values; a key that is not text is noted and taken as text.

    Raises Refused where the file is missing, is not YAML, has a key twice, or is more than a person writes.
    """
    text = _text(path, mistakes)
    reader = YAML(typ="safe", pure=True)
    reader.Composer, reader.Constructor = _Composer, _Constructor
    try:
        content = reader.load(text)
    except TooMuch as error:
        raise mistakes.refusal(f"{_place(error)}{error.problem}") from None
    except DuplicateKeyError as error:
        key = str(error.problem).partition('"')[2].partition('"')[0]
        raise mistakes.refusal(f"{_place(error)}the key {show(key)} is there twice; keep one") from None
    except MarkedYAMLError as error:
        raise mistakes.refusal(f"{_place(error)}{error.problem}; this is not valid YAML") from None
    except ReaderError as error:
        before = text[: error.position].split("\n")
        place = f"line {len(before)}, column {len(before[-1]) + 1}: "
        raise mistakes.refusal(f"{place}holds a character that cannot be printed; this is not valid YAML") from None
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError) as error:  # of a parser that lost its way
        words = " ".join(str(error).split())
        raise mistakes.refusal(f"this is not valid YAML ({words or type(error).__name__})") from None
    return plain(content, mistakes)


def _text(path: Path, mistakes: Mistakes) -> str:
    """What the file holds. Raises Refused where that is no text, or too much."""
    wanted = "give the path of a study file"
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise mistakes.refusal(f"is no regular file; {wanted}")  # to read a pipe, or a device, may have no end
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise mistakes.refusal(f"is larger than {LARGEST // 1000} kB; {wanted}, which is a few pages of text")
        text = content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        known = {"FileNotFoundError": "there is no such file", "IsADirectoryError": "is a folder"}
        wrong = known.get(type(error).__name__, f"cannot be read as text ({error})")
        raise mistakes.refusal(f"{wrong}; {wanted}") from None
    if OTHER_VERSION.match(text):
        raise mistakes.refusal("line 1, column 1: study files are YAML 1.2; take this line out")
    return text


def plain(value: object, mistakes: Mistakes, path: str = "", within: tuple[int, ...] = ()) -> object:
    """``value`` with text for keys. Refuses an alias to what it stands in, which has no end, sets, and text that cannot
    be shown."""
    if id(value) in within:
        mistakes.add(path, "refers to what it is part of; write it out")
        return None
    if isinstance(value, list):
        inside = (*within, id(value))
        return [plain(item, mistakes, join(path, i), inside) for i, item in enumerate(value)]
    if isinstance(value, set):
        mistakes.add(path, "is a set, which has no order; give a list")
        return list(value)
    if isinstance(value, str):
        return _shown(value, path, mistakes)
    if not isinstance(value, dict):
        return value
    inside, made = (*within, id(value)), {}
    for key, item in value.items():
        if not isinstance(key, str):
            mistakes.add(path, f"the key {show(key)} is not text; put it in quotes, or take it out")
        name = _shown(str(key), path, mistakes)
        made[name] = plain(item, mistakes, join(path, name), inside)
    return made


def _shown(text: str, path: str, mistakes: Mistakes) -> str:
    """The same; without what cannot be printed, which is noted."""
    refused = NO_TEXT if f".{FORMAT}." in path else UNPRINTABLE
    if found := refused.search(text):
        mistakes.add(path, f"{show(text)} holds U+{ord(found[0]):04X}, which cannot be printed; take it out")
        return refused.sub("\ufffd", text)
    return text


def _place(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
