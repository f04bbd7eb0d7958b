"""What the results of a study hold for, and over what they generalise."""

from __future__ import annotations

from study.metrics import METRICS
from study.plan.plan import Plan
from study.wording import counted, listed

NAMED = 4  # datasets; more of them are counted


def scope(plan: Plan) -> dict[str, str]:
    """What results hold for ("held", and "settings"), over what they generalise ("over"), and all of it ("words").

    Wider where seeds draw the split, and where each run is tuned for itself.
    """
    found = _held(plan) | {"settings": _settings(plan)}
    timed = any(METRICS[metric].timed for comparison in plan.comparisons for metric in comparison.used)
    parts = [f"hold for {found['held']}", *[f"for {found['settings']}"] * bool(found["settings"])]
    parts += ["of times and memory for the machine that measured them"] * timed
    return found | {"words": f"{', and '.join(parts)}; they generalise over {found['over']}"}


def _settings(plan: Plan) -> str:
    """The words for what settings were trained."""
    by_seed = {arm.search.by_seed for arm in plan.arms.values() if arm.search}
    if not by_seed:
        return "the settings written in the study file" * bool(plan.arms)
    if by_seed == {True}:
        return "arms tuned anew for each run"
    words = "the settings named in the tables, since tuning again may choose others"
    return f"{words}, but for arms tuned anew for each run" if True in by_seed else words


def _held(plan: Plan) -> dict[str, str]:
    if not plan.arms:
        held = "the data, budget and tuning of these runs, of which nothing is known here"
        return {"held": held, "over": "further runs of the same kind only"}
    if not plan.datasets:
        return {"held": "the data, the split and the budget of the script", "over": "seeds only"}
    named = list(dict.fromkeys(dataset.named for dataset in plan.datasets.values()))
    one, few = len(plan.datasets) == 1, len(named) <= NAMED
    datasets = "where arms were trained here, " * bool(plan.given)
    datasets += listed(named) if few else counted(len(plan.datasets), "dataset")
    its = "its" if one else "their"
    drawn = [dataset.split == "by_seed" for dataset in plan.datasets.values()]
    if not any(drawn):
        return {"held": f"{datasets}, {its} split, test rows and budget", "over": "seeds only"}
    if all(drawn):
        return {"held": f"{datasets} and {its} budget", "over": "splits and seeds of these rows only"}
    over = "seeds, and over splits of these rows where seeds draw them"
    return {"held": f"{datasets}, their fixed splits, test rows and budget", "over": over}
