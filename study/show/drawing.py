"""The tables and figures of a study that show something new, drawn by processes that load what they need once."""

from __future__ import annotations

import hashlib
import json
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from study.plan.plan import PlannedComparison
from study.plan.style import missing_font
from study.show import formats
from study.show.figures import CLAIMS, FIGURES, TABLE, Drawing, drawings
from study.show.observations import Observations
from study.show.results import Results
from study.show.side_by_side import side_by_side
from study.show.tables.results_files import FORMATS
from study.store.checksums import file_sum
from study.store.failures import of_machine
from study.store.files import write_if_changed
from study.store.notes import read_note, write_note

PACKAGE = Path(__file__).parents[1]


class Studio:
    """What is drawn of a study's results."""

    def __init__(self, results: Results) -> None:
        self.results, self.plan, self.folder = results, results.plan, results.folder
        self.note = results.store.drawn(self.plan.study)
        sources = sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".j2"))
        self.program = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()

    @property
    def style(self) -> str:
        """As text."""
        return self.plan.style.model_dump_json()

    @cached_property
    def in_figures(self) -> tuple[Observations, pd.DataFrame]:
        """Observations and summary with labels as figures can show them."""
        return Observations(_labelled(self.results.observations.frame)), _labelled(self.results.summary)

    def draw(self, drawing: Drawing) -> None:
        """Write its files."""
        if drawing.comparison is None:
            self._draw_claims(drawing)
            return
        comparison = drawing.comparison
        if drawing.name != TABLE:
            from study.show.figures.data import Evidence  # where matplotlib is broken, there are tables and a page
            from study.show.figures.panel import save

            observations, summary = self.in_figures
            evidence = Evidence(_drawable(comparison), self.results.records, observations, self.plan.style)
            canvas, caption = FIGURES[drawing.name].draw(self.plan, evidence, summary)
            stem = self.folder / "figures" / drawing.name / comparison.name
            save(canvas, stem, formats.caption(caption), self.plan.style)
            return
        device, best = self.results.device(comparison), self.results.best(comparison)
        for file in drawing.files:
            text = FORMATS[file.rpartition(".")[2]]
            write_if_changed(self.folder / file, text(comparison, self.results.summary, device, best))

    def _draw_claims(self, drawing: Drawing) -> None:
        from study.show.figures import claims_figure
        from study.show.figures.panel import save

        rows = claims_figure.rows(self.results.claims, drawing.claims)
        titles = {one.name: one.title for one in self.plan.comparisons}
        for end, form in claims_figure.FORMS.items():
            stem = self.folder / "figures" / CLAIMS / f"{drawing.of}{end}"
            drawn = claims_figure.draw(rows, titles, form, self.plan.style)
            save(drawn, stem, formats.caption(claims_figure.caption(rows)), self.plan.style)

    def draw_all(self, processes: int) -> Iterator[tuple[Drawing, str]]:
        """Draw what shows something else than before; yields each drawing that failed, and how."""
        kept: dict[str, dict[str, str]] = {}
        with suppress(OSError, ValueError):  # then all is drawn
            kept = read_note(self.note)
        new = [one for one in drawings(self.plan) if not self._is_drawn(one, kept)]
        if new:
            if words := missing_font(self.plan.style):
                print(f"{words}; figures have another one", file=sys.stderr)
            with suppress(ImportError):  # once, before processes part
                import study.show.figures.panel  # noqa: F401
        for drawing, error in zip(new, side_by_side(self._tried, new, processes), strict=True):
            if error:
                for file in drawing.files:
                    (self.folder / file).unlink(missing_ok=True)
                yield drawing, error
        self.keep()

    def keep(self) -> None:
        """Note what each drawing shows, and sums of its files and of the page, for the next call and for ``verify``."""
        wanted = drawings(self.plan)
        files = self._sums(["report.html", *(file for one in wanted for file in one.files)])
        shown = {one.files[0]: self._digest(one) for one in wanted}
        write_note(self.note, json.dumps({"shown": shown, "files": files}, indent=1))

    def _is_drawn(self, drawing: Drawing, kept: Mapping[str, Mapping[str, str]]) -> bool:
        """Whether its files are those that were drawn of what there is now."""
        files = self._sums(drawing.files)
        whole = len(files) == len(drawing.files) and files.items() <= kept.get("files", {}).items()
        return whole and kept.get("shown", {}).get(drawing.files[0]) == self._digest(drawing)

    def _sums(self, files: Iterable[str]) -> dict[str, str]:
        """Of those that are there."""
        return {file: file_sum(self.folder / file) for file in files if (self.folder / file).exists()}

    def _tried(self, drawing: Drawing) -> str:
        """Why it could not be drawn; empty where it was."""
        try:
            self.draw(drawing)
        except Exception as error:
            if not of_machine(error):
                traceback.print_exc()
            return f"{type(error).__name__}: {error}"
        return ""

    def _digest(self, drawing: Drawing) -> str:
        return self._shown[drawing.comparison.name if drawing.comparison else ""]

    @cached_property
    def _shown(self) -> dict[str, str]:
        """Digests of what tables and figures are drawn from, by comparison; of the claims' figures, by ""."""
        titles = json.dumps([[one.name, one.title] for one in self.plan.comparisons])
        claims = (self.folder / "claims.parquet").read_bytes()
        parts = claims, titles.encode(), self.program.encode(), self.style.encode()
        shown = {comparison.name: self._shown_by(comparison) for comparison in self.plan.comparisons}
        return shown | {"": hashlib.sha256(b"".join(parts)).hexdigest()}

    def _shown_by(self, comparison: PlannedComparison) -> str:
        """Of plan, style, records, verdicts, program."""
        arms = {arm: self.plan.arms[arm].model_dump_json() if comparison.here else "" for arm in comparison.trained}
        about = [self.program, self.style, comparison.model_dump_json(), arms, self.results.best(comparison)]
        found, tidy = (
            hashlib.sha256(json.dumps(about).encode()),
            (self.results.observations.frame, self.results.summary),
        )
        parts = [frame[frame["arm"].isin(list(arms))] for frame in self.results.records]
        parts += [frame[frame["comparison"] == comparison.name] for frame in tidy]
        for part in parts:
            found.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
        return found.hexdigest()


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(label=frame["label"].map({label: formats.figure(label) for label in frame["label"].unique()}))


def _drawable(comparison: PlannedComparison) -> PlannedComparison:
    """With all its texts as figures can show them."""

    def each(value: Any) -> Any:
        if isinstance(value, str):
            return formats.figure(value)
        if isinstance(value, dict):
            return {each(key): each(one) for key, one in value.items()}
        return type(value)(map(each, value)) if type(value) in (list, tuple) else value

    return PlannedComparison.model_validate(each(comparison.model_dump()))
