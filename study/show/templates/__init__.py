"""What people read, as Jinja templates: the page (``*.html.j2``), and paragraphs (``*.txt.j2``) for page and files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from study.show.formats import html
from study.show.formatting import quoted
from study.wording import counted, listed, plural

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(("html.j2",)),
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=html,
)  # fmt: skip


def headed(heads: Iterable[str]) -> str:
    """The headings of a table as CSS: where its rows are cards, each value has its heading beside it."""
    escaped = (re.sub(r'[\\"\n\r\f<>&]', lambda found: f"\\{ord(found[0]):x} ", head) for head in heads)
    return "; ".join(f'--h{i}: "{head}"' for i, head in enumerate(escaped, 1))


def unbroken(text: str) -> str:
    """The same, where no line ends within brackets, as of an interval."""
    return re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "\u00a0"), text)


ENVIRONMENT.filters |= {one.__name__: one for one in (listed, counted, plural, quoted, headed, unbroken)}


def page(name: str, **values: object) -> str:
    """A page of HTML. ``name``: of the template, without its ending."""
    return ENVIRONMENT.get_template(f"{name}.html.j2").render(**values)


def paragraphs(name: str, **values: object) -> list[str]:
    """The paragraphs of a text: what blank lines part. Within one, a new line is a blank."""
    text = ENVIRONMENT.get_template(f"{name}.txt.j2").render(**values)
    found = (re.sub(r" *\n *", " ", part).strip() for part in re.split(r"\n\s*\n", text))
    return [part for part in found if part]


def paragraph(name: str, **values: object) -> str:
    """All of a text as one paragraph."""
    return " ".join(paragraphs(name, **values))
