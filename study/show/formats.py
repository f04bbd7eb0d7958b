"""What people wrote, in each of the formats that it ends in: one function for each. All take any text.

In LaTeX, CSV and Markdown it is what it says and no more: no command, no formula, no markup, no second line. On the
page Jinja escapes what HTML has a meaning for; ``html`` is for the rest.
"""

from __future__ import annotations

import re

from study.wording import UNPRINTABLE, one_line

TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # marks of the direction of writing
LEFTWARDS = re.compile(
    "[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
OPEN, CLOSE = "\u2068", "\u2069"  # first-strong isolate, pop directional isolate
OPENING = re.compile("[\u2066-\u2068]")

TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$",
    ">": r"$>$", "<": r"$<$", "≥": r"$\geq$", "≤": r"$\leq$", "−": r"$-$", "–": "--", "|": r"\textbar{}",
    "±": r"$\pm$", "÷": r"$\div$", "∞": r"$\infty$",
} | {char: f"\\{char}" for char in "&%$#_{}"}  # fmt: skip
LIGATURES = re.compile(r"[-–](?=[-–])|([`',])(?=\1)|[?!](?=`)")  # two letters that TeX prints as another one
OPTION = re.compile(r"[*\[]")  # after the end of a row, these would be its star and its option

FORMULA = re.compile(r"[=+\-@＝＋－＠]")  # what spreadsheets take for the beginning of one
NUMBER = re.compile(r"[-+][\d.,]+([eE][-+]?\d+)?\s*%?")

# Letters that are markup in any place; a bracket that ends the text of a link; an underscore that is not within a word;
# a mark at the beginning of a line. What begins a tag, or an entity, is made one, which all kinds of Markdown know.
MARKUP = re.compile(
    r"[\\`*|~$]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])"
    r"|^(?:[-+#](?=[-+#]*(?: |$))|>|=(?=[= ]*$)|\d+(?=[.)](?: |$))|:(?=[-|:]))"
)
HTML = {"&": "&amp;", "<": "&lt;"}
TAG = re.compile(r"&(?=#?\w+;)|<(?=[A-Za-z/!?])")


def isolated(text: str) -> str:
    """Text that turns the direction of nothing beside it: what is written from right to left stays within it."""
    if text.isascii() or not LEFTWARDS.search(text):
        return text
    depth, kept = 0, []
    for char in text:
        if char == CLOSE and not depth:
            continue  # it would end what stands around this
        depth += bool(OPENING.match(char)) - (char == CLOSE)
        kept.append(char)
    return OPEN + "".join(kept) + CLOSE * (depth + 1)


def html(value: object) -> object:
    """For Jinja's ``finalize``; what is HTML already stays as it is."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return isolated(UNPRINTABLE.sub("\ufffd", value))


def markdown(text: object) -> str:
    """Within a line, or a cell of a table."""
    line = isolated(one_line(str(text)))
    escaped = MARKUP.sub(lambda found: _backslash(found[0]), line)
    return TAG.sub(lambda found: HTML[found[0]], escaped)


def _backslash(mark: str) -> str:
    return mark + "\\" if mark.isdigit() else "\\" + mark  # 1\. is no list


def latex(text: object) -> str:
    """Text such that LaTeX prints it as it is, in a cell or a comment; TeX knows no marks of direction."""
    line = one_line(TURNING.sub("", str(text)))
    apart = LIGATURES.sub(lambda found: f"{found[0]}\0", line)
    escaped = "".join("{}" if char == "\0" else TEX.get(char, char) for char in apart)
    return f"{{{escaped[0]}}}{escaped[1:]}" if OPTION.match(escaped) else escaped


def csv(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that would be has an apostrophe before it."""
    line = isolated(one_line(text))
    return f"'{line}" if FORMULA.match(line) and not NUMBER.fullmatch(line) else line


def figure(text: str) -> str:
    """In a figure: matplotlib sets what stands between two dollars as mathematics, and leaves what begins with an
    underscore out of legends; it writes all letters from left to right.
    """
    line = one_line(TURNING.sub("", text)).replace("$", r"\$")
    return f" {line}" if line.startswith("_") else line


def caption(text: str) -> str:
    """A text with what ``figure`` made, where it stands beside the figure."""
    return text.replace(r"\$", "$")
