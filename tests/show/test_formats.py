"""What people write in a study file says in every format what it says, and is nothing else there: no markup, no
formula, no command, no second line. What is read back is read by somebody else's reader, or by rules of their own."""

from __future__ import annotations

import csv as reader
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from markdown_it import MarkdownIt  # it comes with Snakemake's progress bars

from study.errors import printed
from study.show import formats
from study.wording import one_line

SNIPPETS = [
    *"|*_`[]()<>&\\~$#+-=@%{}^!?\"',;:.0a", *"\n\r\t\v\f\x1b\0\x85\u2028\u2029\u200b\ufeff\ud800", *"ü日אب−–×≥",
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c", "  ", "--", "``", "**", "~~", "](",
    "&lt;", "<script>", "</td>", "<!--", "&#39;", "\\end{document}", "$$", "^^M", "=1+1", "http://a.b", "[a]: b",
    "1. ", "2) ", "- ", "> ", "# ", "---", "===", ":--", "+1", "-5 %", "@a", "_a_", "__a__", "*a*", "`a`", "~~a~~",
    "[a](b)", "[a][b]", "![a](b)", "[a]: /b", "<b>", "{{ x }}", "{% if %}",
]  # fmt: skip
WHATEVER = st.lists(st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=4)), max_size=8).map("".join)
MANY = settings(max_examples=400, deadline=None, derandomize=True)


class Page(HTMLParser):
    """``texts`` by the tags that they stand in."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.within: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.within.append(tag)
        self.texts.setdefault("/".join(self.within), "")

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag

    def handle_data(self, data: str) -> None:
        place = "/".join(self.within)
        self.texts[place] = self.texts.get(place, "") + data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


@MANY
@given(WHATEVER)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    shown, said = formats.markdown(text), formats.isolated(one_line(text))
    render = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render
    table = Page(render(f"| a | b |\n| --- | ---: |\n| {shown} | {shown} |\n"))
    row = [" ".join(text.split()) for place, text in table.texts.items() if place.endswith("tbody/tr/td")]
    assert row == [said * 2] or row == [f"{said}{said}"]
    assert set(table.texts) <= {"", *(f"table{rest}" for rest in ("", "/thead", "/thead/tr", "/thead/tr/th", "/tbody",
                                                                  "/tbody/tr", "/tbody/tr/td"))}  # fmt: skip
    if said:
        assert Page(render(f"Before.\n{shown}  \nafter.")).texts["p"].split("\n")[1] == said
        assert Page(render(shown)).texts == {"p": said, "": "\n"}
        assert Page(render(f"**{shown}**")).texts == {"p": "", "p/strong": said, "": "\n"}


TEX = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"$\times$": "×", "$>$": ">",
    "$<$": "<", r"$\geq$": "≥", r"$\leq$": "≤", "$-$": "−", "--": "–", r"$\pm$": "±", r"$\div$": "÷", "{}": "",
    r"\textbar{}": "|", "{[}": "[", "{*}": "*",
} | {rf"\{char}": char for char in "&%$#_{}"}  # fmt: skip
TOKEN = re.compile("|".join([*map(re.escape, sorted(TEX, key=len, reverse=True)), r"[^\\{}$&#^_~%\n\r\0]"]))


@MANY
@given(WHATEVER)
def test_latex_prints_a_text_as_it_is(text: str) -> None:
    written = formats.latex(text)
    tokens = TOKEN.findall(written)
    assert "".join(tokens) == written  # nothing else that TeX has a meaning for
    assert "".join(TEX.get(token, token) for token in tokens) == one_line(formats.TURNING.sub("", text))
    assert not re.match(r"[*\[]", written)  # which the end of the row before would take for its own
    assert not re.search(r"``|''|,,|[?!]`|---", written)  # nor letters that its fonts join


@MANY
@given(WHATEVER)
def test_no_cell_of_a_csv_file_is_a_formula(text: str) -> None:
    cell = formats.csv(text)
    file = io.StringIO()
    reader.writer(file).writerow([cell, "next"])
    assert list(reader.reader(io.StringIO(file.getvalue()))) == [[cell, "next"]]
    assert cell.removeprefix("'") == formats.isolated(one_line(text)).removeprefix("'")
    assert not re.match(r"[=@＝＋－＠\s]", cell)
    assert not re.match(r"[+-]", cell) or re.fullmatch(r"[+-][0-9.,]+(e[+-]?[0-9]+)?\s*%?", cell, re.I)


@pytest.mark.parametrize("text", ["-5 %", "+3.2", "-1e-3", "-1,000"])
def test_a_number_in_a_csv_file_is_none(text: str) -> None:
    assert formats.csv(text) == text


@MANY
@given(WHATEVER)
def test_the_page_shows_a_text_as_it_is(text: str) -> None:
    written = Environment(autoescape=True, finalize=formats.html).from_string("<p>{{ x }}</p>").render(x=text)
    assert Page(written.replace("\r", "\n")).texts == {"p": str(formats.html(text)).replace("\r", "\n")}
    written.encode()


@MANY
@given(WHATEVER)
def test_what_turns_the_direction_of_writing_ends_with_the_text(text: str) -> None:
    written = formats.isolated(text)
    depth = 0
    for i, char in enumerate(written):
        depth += (char in "\u2066\u2067\u2068") - (char == "\u2069")
        assert depth > 0 or i == len(written) - 1 or not re.search("[\u202a-\u202e\u2066-\u2069א]", written)
    assert depth == 0
    marks = re.compile("[\u2066-\u2069]")
    assert marks.sub("", written) == marks.sub("", text)


@MANY
@given(WHATEVER)
def test_a_line_of_a_log_is_a_line_of_what_can_be_seen(text: str) -> None:
    line = printed(text)
    assert line.splitlines() in ([line], [])
    assert not re.search("[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", line)
    line.encode()
