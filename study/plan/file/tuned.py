"""The arms that a comparison trains: for each selection one arm per label, tuned by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from study.errors import Mistakes
from study.metrics import selections
from study.plan.arm import Arm
from study.plan.file.expand import Expansion
from study.plan.file.models import Claim, Target
from study.plan.plan import PlannedArm, PlannedClaim
from study.plan.searches.space import Select, Tune


class Tuned:
    """The arms of ``expansion`` for ``metrics``, shown and claimed. Without ``tune:`` they are as they were."""

    def __init__(self, expansion: Expansion, metrics: Sequence[str], target: Target | None, mistakes: Mistakes) -> None:
        self.labelled, self.cover = expansion.arms, expansion.cover
        self.selections: dict[str, Select] = {}
        self.by_select: dict[Select, list[Arm]] = {}
        if self.cover is None:
            return
        plain = [labelled.arm for labelled in self.labelled]
        regression = next((a.label for a in self.labelled if a.arm.dataset.known_task == "regression"), None)
        given = self.cover.block.select
        self.selections = cast(dict[str, Select], selections(metrics, given, regression is not None))
        for select in dict.fromkeys(self.selections.values()):
            if select == "val_accuracy" and regression is not None:
                words = f"{select!r} needs classes and the data of {regression!r} are for regression; use val_loss"
                mistakes.add(self.cover.block.select_path, words)
            tunes = self.cover.tunes(plain, select, target)
            self.by_select[select] = [_with(arm, tune) for arm, tune in zip(plain, tunes, strict=True)]
        for arm in next(iter(self.by_select.values()), ()):
            self.cover.check_possible(arm)

    def check_target(self, mistakes: Mistakes) -> None:
        """Note a selection by steps to a target, where there is none."""
        if self.cover and self.cover.block.select and "steps_to_target" in self.selections.values():
            words = "'steps_to_target' needs a target; give the study target: {metric: val_accuracy, value: 0.95}"
            mistakes.add(self.cover.block.select_path, words)

    @property
    def arms(self) -> list[Arm]:
        """All of them."""
        if not self.by_select:
            return [labelled.arm for labelled in self.labelled]
        return [arm for arms in self.by_select.values() for arm in arms]

    def planned(self, first: str) -> tuple[PlannedArm, ...]:
        """One per label; ``first`` is the comparison's first metric."""
        planned = []
        for i, labelled in enumerate(self.labelled):
            tuned = {select: arms[i].id for select, arms in self.by_select.items() if arms[i].tune}
            main = self._of(first, i)
            planned.append(PlannedArm(arm=main.id, label=labelled.label, values=labelled.values, tuned=tuned))
        return tuple(planned)

    def claimed(self, claim: Claim) -> PlannedClaim:
        place = {labelled.label: i for i, labelled in enumerate(self.labelled)}
        better, than = (self._of(claim.metric, place[label]).id for label in (claim.better, claim.than))
        return PlannedClaim(**claim.model_dump(), better_arm=better, than_arm=than)

    def _of(self, metric: str, i: int) -> Arm:
        """The arm at place ``i`` that a metric is read from."""
        return self.by_select[self.selections[metric]][i] if self.by_select else self.labelled[i].arm


def _with(arm: Arm, tune: Tune | None) -> Arm:
    return Arm.model_construct(None, **{**dict(arm), "tune": tune}) if tune else arm
