"""The report: one page that holds everything, refers to nothing outside, and opens in a browser."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

from study.__main__ import main
from study.plan.plan import Plan
from study.show.drawing import Studio
from study.show.figures import Drawing
from study.show.page.report import render
from study.show.results import Results
from study.store.disk import DiskFull
from study.store.layout import Store
from tests.show.records import draw, records, stored

TWO = """
optimizer:
  title: Optimizers <fast & slow>
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}
  metrics: [test_accuracy, seconds_to_target]
  reported:
    source: A paper
    sgd: {test_accuracy: 95.0 %}
    adam: {test_accuracy: 90.0 %}
init:
  vary: {init: [zeros, he_normal]}
  metrics: [test_accuracy, epochs_to_target]
"""
CHROMIUM = shutil.which("chromium")


def outcome(label: str, seed: int) -> Mapping[str, object]:
    if label == "adam" and seed < 2:
        return {"status": "diverged", "reason": "loss not finite after step 12"}
    levels = {"adam": 0.96, "sgd": 0.92, "zeros": 0.1, "he_normal": 0.95}
    return {"level": levels[label] + seed / 1000, "pace": 1.5}


def drawn(plan: Plan, root: Path, **how: object) -> Path:
    """Everything that the verbs draw for ``plan``. Returns the path of the page."""
    path, _ = stored(plan, records(plan, **how), root)  # type: ignore[arg-type]
    assert main(["report", str(path)]) == 0
    return path.with_name("report.html")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that needs it draws what the others copy."""
    return tmp_path_factory.mktemp("page") / "results"


@pytest.fixture
def page(planned: Callable[..., Plan], tmp_path: Path, finished: Path) -> Path:
    plan, store = planned(TWO), Store(tmp_path / "results")
    if not finished.exists():
        drawn(plan, finished, outcome=outcome)
    shutil.copytree(finished, store.root)
    plan.write(store, {})
    return store.study(plan.study) / "report.html"


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "action", "data", "poster", "srcset"):
                self.references.append(value or "")


def test_the_page_is_whole_and_refers_to_nothing_outside(page: Path) -> None:
    text = page.read_text()
    elements = Elements(text)
    assert elements.tags.count("svg") == 2
    assert {"table-optimizer", "table-init", "coverage"} <= set(elements.ids)
    assert len(elements.ids) == len(set(elements.ids))
    assert elements.tags.count("caption") == elements.tags.count("table")
    assert {"caption", "nav", "main", "header"} <= set(elements.tags)
    assert elements.references[0] == "#evidence"  # a link past the contents
    assert "--h4: &#34;runs&#34;" in text  # beside its value, where rows are cards
    assert all(reference.startswith("#") for reference in elements.references)
    assert {reference[1:] for reference in elements.references} <= set(elements.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(elements.ids)
    assert not {"script", "link", "iframe", "img"} & set(elements.tags)
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    assert "Optimizers &lt;fast &amp; slow&gt;" in text


def test_the_page_says_what_was_found_and_what_is_missing(page: Path) -> None:
    text = re.sub(r"<[^>]*>", " ", page.read_text())
    text = " ".join(text.split())
    reached = 1 - 0.5 ** (8 / 1.5)  # of the way from 10 % to the level, after 8 epochs
    accuracy = (0.96 + 0.004) * reached + 0.1 * (1 - reached) - 0.01  # of seed 4: half of the eight do as well
    assert re.search(rf"adam has the highest median of test accuracy, {accuracy * 100:.2f} %[:;.]", text)
    assert "0/8 reached" in text
    assert "6/8 finished, 2 diverged" in text
    assert "loss not finite after step 12" in text
    assert "1,077 training, 360 validation, 360 test rows" in text
    assert "2 comparisons of 4 arms. Of 32 planned runs 30 finished, 2 diverged." in text
    assert "(s, CPU)" in text
    assert "Tuning None" in text
    assert "somewhere" not in text  # the host


def test_drawing_again_gives_the_same_page(page: Path, planned: Callable[..., Plan]) -> None:
    plan = planned(TWO)
    assert render(Results(plan, Store(page.parents[2]))) == page.read_text()
    assert drawn(plan, page.parents[2], outcome=outcome).read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    "ends",
    [lambda label, seed: {"status": "missing"}, lambda label, seed: {"status": "diverged"}],
    ids=["nothing there", "all diverged"],
)
def test_a_page_of_what_is_there(planned: Callable[..., Plan], tmp_path: Path, ends: Callable[..., object]) -> None:
    page = drawn(planned(TWO, seeds=2), tmp_path / "results", outcome=ends, timed=False)
    assert "No run has finished yet" in page.read_text()


def test_a_large_matrix_is_folded_and_cut(planned: Callable[..., Plan], tmp_path: Path) -> None:
    values = f"{{batch_size: {list(range(2, 162))}, dropout: [0, 0.3]}}"
    plan = planned(f"o: {{vary: {values}, metrics: [test_accuracy]}}", seeds=2)
    path, _ = stored(plan, records(plan), tmp_path / "results")
    draw(path, "table", "o")
    text = render(Results(plan, Store(tmp_path / "results")))
    assert "<summary>Table of 320 arms</summary>" in text
    assert "The first 300 of 320 arms; all are in tables/o.csv." in text


@pytest.mark.parametrize(
    ("dataset", "held", "over"),
    [
        ("wine", "wine, its split, test rows and budget", "seeds only"),
        ("{name: wine, split: by_seed}", "wine and its budget", "splits and seeds of these rows only"),
    ],
)
def test_the_page_opens_with_its_question_its_result_and_what_that_is_worth(
    planned: Callable[..., Plan], tmp_path: Path, dataset: str, held: str, over: str
) -> None:
    plan = planned(TWO, dataset=dataset).model_copy(update={"question": "Is <adam> faster?"})
    stored(plan, records(plan), tmp_path)
    text = " ".join(re.sub(r"<[^>]*>", " ", render(Results(plan, Store(tmp_path)))).split())
    top, evidence = text.split("Coverage", 1)[0], text.split("Coverage", 1)[1]
    told = f"{over} (8 per arm);"
    if over == "seeds only":
        told = "other seeds (8 per arm), not over other splits or data;"
    wanted = [
        "Is &lt;adam&gt; faster?",
        "No claims are stated: what follows describes the runs, and tests nothing.",
        "Holds for wine (1,077 rows to train on, 360 to test); mlp; 8 epochs; "
        "target: validation accuracy of at least 90 %; times and memory on: CPU.",
        f"Luck Results generalise over {told} arms are compared seed by seed.",
        "Tuning None.",
        "What would change it Nothing is claimed.",
    ]
    assert [top.index(words) for words in wanted] == sorted(top.index(words) for words in wanted)
    settings = "and for the settings written in the study file"
    times = "and of times and memory for the machine that measured them"
    assert f"Results hold for {held}, {settings}, {times}; they generalise over {over}." in evidence


def test_the_page_says_what_could_not_be_drawn(page: Path, planned: Callable[..., Plan]) -> None:
    (page.parent / "figures" / "results" / "init.svg").unlink()
    (page.parent / "tables" / "optimizer.csv").unlink()
    text = render(Results(planned(TWO), Store(page.parents[2])))
    assert text.count("The figure could not be drawn.") == 1
    assert text.count("The table could not be drawn.") == 1
    assert Elements(text).tags.count("svg") == 1
    assert {"table-init"} == {name for name in Elements(text).ids if name.startswith("table-")}


def test_what_could_not_be_drawn_is_drawn_by_the_next_call(
    page: Path, planned: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, draw = Studio(Results(planned(TWO), Store(page.parents[2]))), Studio.draw

    def full(self: Studio, drawing: Drawing) -> None:
        if drawing.files[0].endswith("init.svg"):
            raise DiskFull(self.folder)
        draw(self, drawing)

    (studio.folder / "figures" / "results" / "init.svg").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(Studio, "draw", full)
        [(drawing, why)] = studio.draw_all(1)
        assert why == f"DiskFull: {studio.folder}: the disk is full; free some space there, and run again"
        assert [failed for failed, _ in studio.draw_all(1)] == [drawing]
    assert list(studio.draw_all(1)) == []
    assert all((studio.folder / file).exists() for file in drawing.files)


def test_where_no_process_can_be_forked_one_draws_all(
    page: Path, planned: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr("os.fork", refused)
    studio = Studio(Results(planned(TWO), Store(page.parents[2])))
    studio.folder.with_name(".small.drawn.json").unlink()
    (studio.folder / "figures" / "results" / "init.svg").unlink()
    assert list(studio.draw_all(2)) == []
    assert (studio.folder / "figures" / "results" / "init.svg").exists()


def test_the_page_says_how_arms_were_timed_or_why_not(page: Path, planned: Callable[..., Plan], tmp_path: Path) -> None:
    assert "timing" in Elements(page.read_text()).ids
    assert "the machine was quiet" in page.read_text()
    plan = planned(TWO)
    assert plan.timing
    store = Store(tmp_path / "untimed")
    store.failed_timing(plan.timing.id).parent.mkdir(parents=True)
    store.failed_timing(plan.timing.id).write_text('{"reason": "the device was lost"}')
    text = drawn(plan, store.root, outcome=outcome, timed=False).read_text()
    assert "Not measured: the device was lost." in text
    assert "timing" not in Elements(text).ids


def test_times_to_neighbouring_targets_stand_under_their_table(page: Path) -> None:
    text = page.read_text()
    assert "time to target (s, CPU), 88 %" in text
    assert "epochs to target, 92 %" in text
    assert text.index('id="table-init"') < text.index("epochs to target, 92 %")


def chromium(*arguments: str, home: Path) -> str:
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={home}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_every_table_and_figure(page: Path, tmp_path: Path, width: int) -> None:
    """At phone and at desktop width: all there, nothing wider than the page, and no table that must be scrolled."""
    # The page has no script; the probe is added to a copy to ask the browser for its layout.
    probe = """<script>
    const wide = [...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll, svg"))
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).length;
    const shown = selector => [...document.querySelectorAll(selector)]
        .filter(e => e.getBoundingClientRect().height > 20).length;
    const cut = [...document.querySelectorAll(".scroll:has(table)")].filter(e => e.scrollWidth > e.clientWidth + 1);
    const tables = shown("section > .scroll > table[id]"), figures = shown("figure svg");
    document.body.dataset.probe = [wide, cut.length, tables, figures, innerWidth].join(" ");
    </script>"""
    copy = tmp_path / "copy.html"
    copy.write_text(page.read_text().replace("</body>", f"{probe}</body>"))
    frame = tmp_path / "frame.html"  # headless Chromium's windows are at least 500 pixels wide; a frame can be less
    flags = ["--allow-file-access-from-files", "--virtual-time-budget=3000"]
    dumped = chromium(*flags, "--dump-dom", copy.as_uri(), home=tmp_path / "one")
    assert dumped.count("<svg") == 2
    frame.write_text(
        f'<iframe id="f" src="copy.html" width="{width}" height="4000" frameborder="0"></iframe><script>'
        "onload = () => document.body.dataset.probe = f.contentDocument.body.dataset.probe</script>"
    )
    dumped = chromium(*flags, "--dump-dom", frame.as_uri(), home=tmp_path / "one")
    [found] = re.findall(r'data-probe="([^"]*)"', dumped)
    assert found == f"0 0 2 2 {width}"
    shot = tmp_path / "shot.png"
    chromium(f"--window-size={width},3000", f"--screenshot={shot}", page.as_uri(), home=tmp_path / "one")
    assert shot.stat().st_size > 20_000
