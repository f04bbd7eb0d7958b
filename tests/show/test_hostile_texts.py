"""A study whose labels, titles and sources are whatever a file can hold, in everything that is drawn of it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from markupsafe import escape

from study.__main__ import main
from study.plan.plan import Plan
from study.show import formats
from study.wording import one_line
from tests.show.test_formats import Page
from tests.show.test_report import drawn

TEXTS = [
    '=HYPERLINK("http://a.b")', "@sum", "-1+2", "<script>alert(1)</script>", "a | b", "a\nb", "a\n\n| c |", "$x$",
    r"$\frac$", r"\end{document}", "% comment", "_hidden", "[5]", "*", "\u202eleft", "\u2069out", "אב", "{{ 7 * 7 }}",
    "&lt;",
]  # fmt: skip


@pytest.fixture
def hostile(planned: Callable[..., Plan]) -> Plan:
    arms = [{"label": text, "batch_size": i + 1} for i, text in enumerate(TEXTS)]
    one = {
        "title": "<b>a\n\n**b",
        "arms": arms,
        "metrics": ["test_accuracy"],
        "reference": TEXTS[5],
        "reported": {"source": "A\n\\end{document}\n<i>b", TEXTS[3]: {"test_accuracy": "=92 %"}},
        "claims": [{"metric": "test_accuracy", "better": TEXTS[14], "than": TEXTS[8], "exploratory": True}],
    }
    return planned(f"o: {json.dumps(one)}")


@pytest.fixture
def folder(hostile: Plan, tmp_path: Path) -> Path:
    """Of the study's results."""
    return drawn(hostile, tmp_path / "results").parent


SAID = [one_line(text) for text in TEXTS]


def test_labels_are_one_line_and_found_as_they_are_written(hostile: Plan) -> None:
    [comparison] = hostile.comparisons
    assert [arm.label for arm in comparison.arms] == SAID
    assert (comparison.title, comparison.source) == ("<b>a **b", r"A \end{document} <i>b")
    assert comparison.reference == "a b"
    assert (comparison.claims[0].better, comparison.claims[0].than) == (SAID[14], SAID[8])


def test_every_table_has_every_label_as_it_is(folder: Path) -> None:
    first = [SAID[5], *SAID[:5], *SAID[6:]]
    rows = list(csv.reader(io.StringIO((folder / "tables/o.csv").read_text())))
    assert [row[0] for row in rows[1:]] == [formats.csv(label) for label in first]
    assert not [cell for row in rows for cell in row if re.match(r"[=@+-](?![\d.]+$)", cell)]
    markdown = (folder / "tables/o.md").read_text()
    page = Page(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))
    assert page.texts["p/strong"] == "<b>a **b"
    table = next(part for part in markdown.split("\n\n") if part.startswith("|")).splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in table[2:]] == [formats.markdown(label) for label in first]
    latex = (folder / "tables/o.tex").read_text()
    assert "\n".join(formats.latex(label) + " &" for label in first) == "\n".join(
        line.partition(" &")[0] + " &" for line in latex.partition("\\midrule\n")[2].splitlines()[: len(first)]
    )
    assert [line for line in latex.splitlines() if "document" in line and not line.startswith("%")] == [
        line for line in latex.splitlines() if line.startswith(r"\textbackslash{}end\{document\}")
    ]


def test_the_page_has_every_label_as_it_is_and_no_tag_of_them(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert "<script" not in text
    assert "<b>a" not in text
    assert "49" not in re.findall(r'<th scope="row">([^<]*)</th>', text)
    for label in SAID:
        assert f'<th scope="row">{escape(formats.isolated(label))}</th>' in text


def test_figures_show_every_label_as_it_is(folder: Path) -> None:
    root = ElementTree.parse(folder / "figures/results/o.svg").getroot()
    shown = "".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))
    for label in SAID:
        assert formats.TURNING.sub("", label).replace(" ", "") in shown.replace(" ", "")


def test_a_terminal_shows_what_would_turn_its_lines_round(
    folder: Path, hostile: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parents[2])
    for verb in (["check", "--no-time"], ["claims"], ["suggest"]):
        assert main([verb[0], "small.yaml", *verb[1:]]) == 0
    text = capsys.readouterr().out
    assert r"\u202eleft" in text
    assert text.isprintable() or not formats.TURNING.search(text)
