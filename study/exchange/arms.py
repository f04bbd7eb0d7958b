"""The arms that a store knows: what they are, and what its studies call them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from study.axes.recipe import RECIPE
from study.errors import Damaged, Refused, nearest
from study.plan.arm import Arm
from study.plan.plan import Plan
from study.store.layout import Store
from study.wording import counted

FEWEST = 4  # digits that an id may be cut to
LISTED = 20  # labels that a refusal names


class Place(NamedTuple):
    """Where an arm is compared."""

    study: str
    comparison: str
    label: str

    def __str__(self) -> str:
        return f"{self.study}: {self.comparison}, {self.label}"

    @property
    def spellings(self) -> tuple[str, str, str]:
        """What people may call it."""
        return self.label, f"{self.comparison}, {self.label}", str(self)


class KnownArm(NamedTuple):
    """An arm by its ``id``. ``recipe_version``: what training meant when it was named; None: an unknown older one."""

    id: str
    arm: Arm
    recipe_version: int | None
    places: tuple[Place, ...]

    @property
    def name(self) -> str:
        """For people: the first place where it is compared, and its id."""
        return f"{self.places[0]} ({self.id})" if self.places else self.id


def open_store(root: str) -> Store:
    """The store at ``root``. Raises Refused where that is none."""
    store = Store(root)
    if not store.root.is_dir():
        raise Refused([f"{root}: there is no such folder; give that of the results, as by --results results"])
    if not any((store.root / part).is_dir() for part in ("arms", "studies")):
        raise Refused([f"{root}: is no store, with neither arms/ nor studies/ in it; give the folder that has them"])
    return store


def plans(store: Store) -> list[Plan]:
    """Of all studies that a store has, but those that another version of the program wrote and this cannot read."""
    found = []
    for path in sorted((store.root / "studies").glob("*/plan.json")):
        try:
            found.append(Plan.load(path))
        except (OSError, ValueError, Damaged):
            continue
    return found


def known_arms(store: Store, studies: Sequence[Plan]) -> dict[str, KnownArm]:
    """The arms of ``studies``, and those that have a folder in the store, by id."""
    places: dict[str, list[Place]] = {}
    arms: dict[str, Arm] = {}
    for plan in studies:
        arms |= plan.arms
        for comparison in plan.comparisons:
            for arm, label in comparison.trained.items() if comparison.here else ():
                places.setdefault(arm, []).append(Place(plan.study, comparison.name, label))
    # The id of an arm holds the recipe version: an id that is another now was given by another.
    found = {
        name: KnownArm(name, arm, RECIPE if arm.id == name else None, tuple(places.get(name, ())))
        for name, arm in arms.items()
    }
    folder = store.root / "arms"
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        if name not in found and (one := _stored(store, name)):
            found[name] = one
    return found


def _stored(store: Store, name: str) -> KnownArm | None:
    """An arm as its recipe.json says; None where it says nothing that this version can read."""
    try:
        content = json.loads(store.recipe(name).read_text(encoding="utf-8"))
        arm = Arm.model_validate_json(json.dumps(content["recipe"]))
        return KnownArm(name, arm, content["recipe_version"], ())
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def find(text: str, known: Mapping[str, KnownArm], where: str) -> list[KnownArm]:
    """The arms that ``text`` means: an id, the beginning of one, a label, or comparison and label.

    More than one where a label stands for several: in several comparisons, or tuned by several metrics.
    Raises Refused where it means none.
    """
    if text in known:
        return [known[text]]
    labelled = [one for one in known.values() if any(text in place.spellings for place in one.places)]
    if labelled:
        return labelled
    begun = [one for name, one in known.items() if len(text) >= FEWEST and name.startswith(text.lower())]
    if begun:
        return begun
    labels = dict.fromkeys(place.label for one in known.values() for place in one.places)
    close = nearest(text, [*labels, *known])
    if close:
        hint = f"did you mean {close!r}?"
    elif labels:
        more = f" and {len(labels) - LISTED} more" if len(labels) > LISTED else ""
        hint = f"its labels: {'; '.join([*labels][:LISTED])}{more}"
    else:
        hint = f"it knows {counted(len(known), 'arm')}"
    raise Refused([f"{where}: there is no arm {text!r}; {hint}"])


def only(text: str, found: Sequence[KnownArm], where: str) -> KnownArm:
    """The one arm that was found. Raises Refused where there are several: one line for each."""
    if len(found) > 1:
        lines = [f"  {each.name}" + (f", tuned by {s.name}" if (s := each.arm.selection) else "") for each in found]
        raise Refused([f"{where}: {text!r} means {len(found)} arms; give the id of one:", *lines])
    return found[0]
