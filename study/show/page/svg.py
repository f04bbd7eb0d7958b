"""Figures for a page: SVG text without what only a file needs, with ids of its own."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import unescape


class Inline(NamedTuple):
    label: str
    svg: str
    caption: str  # as it travels in the file


def inline(path: Path, prefix: str, label: str) -> Inline | None:
    """The SVG to put into a page; None where the file is not there.

    All ids begin with ``prefix``: figures of one page must not share any. ``label`` names it for who cannot see it.
    """
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8")
    described = re.search(r"<dc:description>(.*?)</dc:description>", text, re.S)
    caption = unescape(described[1]) if described else ""
    body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'(href="|url\()#', rf"\1#{prefix}-", body)
    # The rules of one figure's <style> would hold for the whole page; what they say stands on its elements.
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.S)
    body = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", body, count=1)
    start = f'<svg role="img" aria-label="{escape(label)}" stroke-linejoin="round" stroke-linecap="butt"'
    return Inline(label, body.replace("<svg", start, 1), caption)
