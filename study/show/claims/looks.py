"""The looks taken at claims: how often each was judged, on other data every time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from study.axes.recipe import digest
from study.plan.plan import PlannedClaim
from study.stats.paired_test import Statement
from study.stats.verdict import Verdict
from study.store.files import write_if_changed

Look = dict[str, int]  # digest of the paired values → how many pairs they are; several where comparisons differ in them
UNKNOWN = ""  # in place of a digest: looks were once remembered by the number of pairs alone


def note_looks(path: Path, judged: Iterable[tuple[PlannedClaim, Verdict]]) -> dict[str, int]:
    """Remember on which data each claim was judged; returns how many looks that makes, this one included.

    Other data are more pairs, another target, or runs or timing that took the place of others; to judge the same
    data again is no look. Kept beside claims.parquet, which Snakemake deletes before it is made again.
    """
    kept = _read(path)
    seen: dict[str, Look] = {}
    for claim, verdict in judged:
        if verdict.counts and verdict.evidence.p is not None and not verdict.evidence.lacking:
            seen.setdefault(claim.about, {})[data_of(verdict.claim)] = verdict.evidence.pairs
    for about, look in seen.items():
        kept[about] = _with(kept.get(about, []), look)
    if kept:
        write_if_changed(path, json.dumps(kept, indent=1, sort_keys=True) + "\n")
    return {about: len(looks) for about, looks in kept.items()}


def data_of(claim: Statement) -> str:
    """A digest of the pairs that a claim is judged on, whatever their arms are called.

    To ten digits, so that another version of numpy makes no other data.
    """
    sides = [
        [f"{value:.10g} {status}" for value, status in zip(side.values, side.status, strict=True)]
        for side in (claim.better, claim.than)
    ]
    return digest(json.dumps(sides))


def _with(looks: list[Look], look: Look) -> list[Look]:
    """``looks`` and one more, where it has data that none of them has."""
    known = {data for one in looks for data in one}
    new = {data: pairs for data, pairs in look.items() if data not in known}
    looks = [dict(one) for one in looks]
    for data, pairs in list(new.items()):
        # Of as many pairs and unknown data: taken for a look at these.
        if unknown := next((one for one in looks if one.get(UNKNOWN) == pairs), None):
            del unknown[UNKNOWN]
            unknown[data] = new.pop(data)
    return [*looks, new] if new else looks


def _read(path: Path) -> dict[str, list[Look]]:
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {
        about: [{UNKNOWN: look} if isinstance(look, int) else look for look in looks] for about, looks in kept.items()
    }
