"""Words that said more than was known, and must not come back: on a page, in what is printed, in captions."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from study.__main__ import main
from study.plan.plan import Plan
from study.show.page.report import render
from study.show.results import Results
from study.store.layout import Store
from tests.show.records import records, stored
from tests.show.undecided import BETTER, noisy

OLD = {
    "a literally true claim is refuted": r"refuted\W+[^.]*(?:better|shorter|lower|higher) by less than the margin",
    "a plug-in number of seeds": r"would (?:decide|refute) it|as observed",
    "an interval without its level": r"(?<!%) interval [−\d]",
    "error rates that were too low": r"7\.4 %|10\.9 %",
    "a claim without its margin": r"than (?:sgd|adam|adagrad)(?!, by )(?:\n|<)",
    "looks that are declared too late": r"say looks|Declare `looks",
    "intervals that are not adjusted": r"Intervals are per claim",
    "repeats as if it were a test": r"resampled (?:seeds|rounds)\.",
    "so many seeds": r"about \d[\d,]* (?:more )?(?:seed|round|pair)s",
    "the sign test of lost runs": r"\bsign test\b",
    "an effect that only counts pairs": r"<td[^>]*>wins \d+ of \d+<",
    "medians where claims have means": r"median over (?:seeds|rounds|timing rounds)|(?:highest|lowest) median",
    "results that hold for a tuning protocol": r"tuning protocol|hold for this dataset, split(?:,| and) budget",
}


def one_lost(label: str, seed: int) -> Mapping[str, object]:
    return {**noisy(label, seed), **({"status": "diverged"} if (label, seed) == ("adagrad", 3) else {})}


@pytest.fixture
def told(planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """All that is said of a study whose claims come out in several ways, after a look that nobody declared."""
    more = "    - {metric: train_accuracy, better: adam, than: sgd, margin: 0.05}\n"
    more += "    - {metric: train_accuracy, better: adam, than: adagrad}\n"
    for seeds in (8, 10):
        plan = planned(BETTER + more, seeds=seeds)
        stored(plan, records(plan, one_lost), tmp_path / "results")
    file, where = str(tmp_path / "small.yaml"), ["--results", str(tmp_path / "results")]
    capsys.readouterr()
    assert main(["claims", file, *where]) == main(["suggest", file, *where]) == 0
    printed = capsys.readouterr().out
    page = render(Results(plan, Store(tmp_path / "results")))
    return f"{printed}\n{html.unescape(page[page.index('</style>') :])}"


def test_the_old_words_are_gone(told: str) -> None:
    assert [name for name, words in OLD.items() if re.search(words, told)] == []


def test_what_is_said_instead(told: str) -> None:
    assert "8.6 % with 2" in told
    assert "Only looks that were declared before the first verdict count" in told
    assert ", by any amount" in told
    assert ", by more than a factor of 1.01" in told
    assert re.search(r" \[\d+(\.\d+)? %: ", told)
    assert "hold for digits, its split, test rows and budget" in told
