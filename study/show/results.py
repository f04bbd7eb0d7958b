"""What a study came to, as ``collect`` left it: the tables that figures, tables and the page are drawn from."""

from __future__ import annotations

from study.plan.plan import Plan, PlannedComparison
from study.show.claims.table import Best, best_of
from study.show.observations import Observations, device_of, workers
from study.show.records import Records
from study.show.summary import SUMMARY
from study.store.layout import Store
from study.store.seal import read_parquet


class Results:
    """Raises Damaged where a file is not what was written there."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store, self.folder = plan, store, store.study(plan.study)
        self.records = Records.read(self.folder)
        self.observations = Observations.read(self.folder / "observations.parquet")
        self.summary = read_parquet(self.folder / "summary.parquet", SUMMARY).to_pandas()
        self.claims = read_parquet(self.folder / "claims.parquet").to_pandas()

    def device(self, comparison: PlannedComparison) -> str | None:
        """What the arms of a comparison were timed on, as headings name it."""
        gpus = [self.plan.arms[arm.arm].gpus for arm in comparison.arms if comparison.here]
        return workers(device_of(self.records.timing), gpus)

    def best(self, comparison: PlannedComparison) -> Best:
        """The arms that its claims put above all others, by metric."""
        return best_of(comparison, self.claims) if comparison.claims else {}
