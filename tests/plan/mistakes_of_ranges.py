"""Mistakes in where a setting is searched: what is changed in the small study, and the one line that a person reads."""

from __future__ import annotations

from typing import Any


def lr(**range_: Any) -> dict[str, Any]:
    return {"tune": {"optimizer.lr": range_}}


RANGES: dict[str, tuple[dict[str, Any], str]] = {
    "a range that is a list": (
        {"tune": {"optimizer.lr": [0.1, 1]}},
        "tune.optimizer.lr: [0.1, 1] is refused; give where to search, such as {log: [0.001, 10], points: 9}",
    ),
    "a range without a scale": (
        lr(points=3),
        "tune.optimizer.lr: says nothing of where to search; give one of 'log', 'linear' and 'values', "
        "such as {log: [0.001, 10], points: 9}",
    ),
    "two scales": (
        lr(log=[0.1, 1], values=[0.1, 1], points=3),
        "tune.optimizer.lr: has 'log' and 'values'; give one of 'log', 'linear' and 'values', such as "
        "{log: [0.001, 10], points: 9}",
    ),
    "a scale spelled wrong": (
        lr(lg=[0.1, 1], points=3),
        "tune.optimizer.lr.lg: 'lg' is not a key; did you mean 'log'?",
    ),
    "one end": (lr(log=[0.1], points=3), "tune.optimizer.lr.log[1]: a value is missing; give 2"),
    "an end that is text": (lr(log=[0.1, "1"], points=3), "tune.optimizer.lr.log[1]: '1' is refused; give a number"),
    "ends the wrong way round": (
        lr(log=[1, 0.1], points=3),
        "tune.optimizer.lr.log: the first end must be below the second; give [0.1, 1]",
    ),
    "a log scale from 0": (
        lr(log=[0, 1], points=3),
        "tune.optimizer.lr.log: 0 has no logarithm; give ends above 0, or 'linear'",
    ),
    "one point": (lr(log=[0.1, 1], points=1), "tune.optimizer.lr.points: 1 is refused; give a number of at least 2"),
    "no points": (
        lr(log=[0.1, 1]),
        "tune.optimizer.lr: 'points' is missing; give the number of points, both ends included, such as 9",
    ),
    "points of listed values": (
        lr(values=[0.1, 1], points=2),
        "tune.optimizer.lr.points: is not wanted here, the values are the points; take it out",
    ),
    "one value to try": (
        lr(values=[0.1]),
        "tune.optimizer.lr.values: [0.1] is refused; give a list of at least 2 values",
    ),
    "a value to try twice": (lr(values=[1, 0.1, 1.0]), "tune.optimizer.lr.values[2]: is listed twice; keep one"),
    "a value out of bounds": (lr(values=[0, 0.1]), "tune.optimizer.lr.values[0]: 0 is refused; give a number above 0"),
    "an end out of bounds": (
        lr(linear=[-1, 1], points=3),
        "tune.optimizer.lr.linear[0]: -1.0 is refused; give a number above 0",
    ),
    "a dropout of 1 to try": (
        {"tune": {"dropout": {"linear": [0, 1], "points": 3}}},
        "tune.dropout.linear[1]: 1.0 is refused; give a number below 1",
    ),
    "half a row": (
        {"tune": {"batch_size": {"log": [2.5, 16], "points": 3}}},
        "tune.batch_size.log[0]: 2.5 is refused; give a whole number",
    ),
    "too few whole numbers": (
        {"tune": {"batch_size": {"linear": [16, 18], "points": 5}}},
        "tune.batch_size.linear: has fewer than 5 different whole numbers; give fewer points, or wider ends",
    ),
    "a range of widths": (
        {"tune": {"network.hidden": {"log": [8, 64], "points": 3}}},
        "tune.network.hidden: 'hidden' is a list; give {values: [[32], [64, 64]]}",
    ),
    "a width that is a number": (
        {"tune": {"network.hidden": {"values": [[8], 16]}}},
        "tune.network.hidden.values[1]: 16 is refused; give a list of widths",
    ),
}
