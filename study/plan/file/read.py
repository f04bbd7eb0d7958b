"""From a study file to a plan, or to the list of its mistakes."""

from __future__ import annotations

from pathlib import Path

from study.axes.dataset import Dataset
from study.errors import Mistakes, Refused, join
from study.metrics import METRICS
from study.plan.arm import Arm
from study.plan.check.decidability import Stated, refuse_hopeless, tested
from study.plan.file import yaml
from study.plan.file.baseline import Baseline
from study.plan.file.claims import read_claims
from study.plan.file.combine import coupled_keys
from study.plan.file.comparison import check_label, check_metrics, check_target, read_reported
from study.plan.file.cover import Cover
from study.plan.file.expand import Expansion
from study.plan.file.models import Comparison, StudyFile, read, read_comparisons
from study.plan.file.tune_block import TuneBlock, read_block
from study.plan.file.tuned import Tuned
from study.plan.plan import Plan, PlannedComparison, timing_of
from study.store.checksums import Sums
from study.store.layout import Store


def prepare(path: Path, store: Store) -> Plan:
    """The plan of the study at ``path``. Raises Refused with all its mistakes."""
    mistakes = Mistakes(str(path))
    content = yaml.read(path, mistakes)
    if not isinstance(content, dict):
        raise Refused([f"{path}: holds no study; begin with 'study:', 'baseline:' and 'comparisons:'"])
    file, broken = read(StudyFile, content, "", mistakes)
    block = None if file.tune is None else read_block(file.tune, "tune", mistakes)
    baseline = Baseline(file.baseline, "baseline", Mistakes("") if "baseline" in broken else mistakes)
    if not file.comparisons and "comparisons" not in broken:
        mistakes.add("comparisons", f"is empty; give {StudyFile.needed['comparisons']}")
    sums = Sums(store.root / "datasets" / "sums.json")

    def locate(dataset: Dataset) -> Dataset:
        return sums.resolve(dataset, path.parent)

    comparisons: list[PlannedComparison] = []
    arms: dict[str, Arm] = {}
    stated: list[Stated] = []
    certain = not broken & {"seeds", "looks"}
    for name, comparison, flawed in read_comparisons(file.comparisons, mistakes):
        place = join("comparisons", name)
        own = _own_block(comparison, join(place, "tune"), block, mistakes)
        cover = Cover(own, place, mistakes) if own else None
        expansion = Expansion(place, comparison, flawed, baseline, mistakes, locate, cover)
        planned = _planned(name, comparison, broken, flawed, expansion, file, arms, stated, mistakes)
        comparisons += [planned] if planned else []
        certain = certain and not flawed & {"seeds", "claims"} and len(stated[-1].claims) == len(comparison.claims)
    if certain and len(stated) == len(file.comparisons):  # all claims are known, and over how many seeds
        refuse_hopeless(tested(stated), file.looks or 1, mistakes)
    mistakes.raise_any()
    seeds: dict[str, int] = {}
    for planned in comparisons:
        for arm in planned.trained:
            seeds[arm] = max(seeds.get(arm, 0), planned.seeds)
    return Plan(
        study=file.study,
        title=file.title or file.study,
        target=file.target,
        comparisons=tuple(comparisons),
        arms=arms,
        seeds=seeds,
        timing=timing_of(tuple(comparisons)),
        looks=file.looks or 1,
    )


def _own_block(comparison: Comparison, path: str, block: TuneBlock | None, mistakes: Mistakes) -> TuneBlock | None:
    """What a comparison tunes: the study's block, its own over that, or nothing."""
    if "tune" not in comparison.model_fields_set:
        return block
    return None if comparison.tune is None else read_block(comparison.tune, path, mistakes, block)


def _planned(
    name: str,
    comparison: Comparison,
    broken: set[str],  # keys with a mistake of shape: the study's,
    flawed: set[str],  # and this comparison's
    expansion: Expansion,
    file: StudyFile,
    arms: dict[str, Arm],  # every arm of the study, by id; those of this comparison are added
    stated: list[Stated],  # and what it claims
    mistakes: Mistakes,
) -> PlannedComparison | None:
    path, labels, doubtful = expansion.path, expansion.labels, expansion.doubtful
    target = comparison.target or file.target
    if not comparison.metrics and "metrics" not in flawed:
        mistakes.add(join(path, "metrics"), f"is empty; give {Comparison.needed['metrics']}")
    check_metrics(comparison, path, expansion.arms, target, mistakes)
    if target is None and "target" not in broken | flawed:
        check_target(comparison, path, mistakes)
    source, reported = read_reported(comparison, flawed, path, labels, doubtful, mistakes)
    if comparison.reference is not None:
        check_label(comparison.reference, join(path, "reference"), labels, doubtful, mistakes)
    claims = read_claims(comparison, path, expansion.arms, target, labels, doubtful, mistakes)
    known = [metric for metric in comparison.metrics if isinstance(metric, str) and metric in METRICS]
    stated.append(Stated(path, claims, known, comparison.seeds or file.seeds))
    tuned = Tuned(expansion, [*known, *(claim.metric for claim in claims)], target, mistakes)
    if target is None and "target" not in broken | flawed:
        tuned.check_target(mistakes)
    if mistakes:
        return None
    arms |= {arm.id: arm for arm in tuned.arms}
    return PlannedComparison(
        name=name,
        title=comparison.title or name.replace("_", " ").replace("-", " ").capitalize(),
        keys=tuple(expansion.arms[0].values),
        arms=tuned.planned(comparison.metrics[0]),
        skipped=expansion.skipped,
        metrics=tuple(comparison.metrics),
        reference=expansion.arms[0].label if comparison.reference is None else comparison.reference,
        seeds=comparison.seeds or file.seeds,
        target=target,
        source=source,
        reported=reported,
        claims=tuple(tuned.claimed(claim) for claim in claims),
        selections=tuned.selections,
        given=expansion.given,
        coupled=tuple(coupled_keys(comparison)) if expansion.given else (),
    )
