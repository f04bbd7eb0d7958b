"""Small sweeps that nobody trained here, as CSV, and the study that judges them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

ARMS = {"adam": (0.001, 0.95), "sgd": (0.1, 0.90), "momentum": (0.05, 0.93)}
HEADER = "optimizer,lr,seed,best_acc,state"


def rows(seeds: int = 10) -> list[str]:
    """Three optimizers, each with one rate; accuracies that differ beyond doubt, and by seed."""
    return [
        f"{optimizer},{lr},{seed},{level + 0.001 * ((7 * seed) % 10):.4f},finished"
        for optimizer, (lr, level) in ARMS.items()
        for seed in range(seeds)
    ]


def csv(lines: Iterable[str] | None = None, header: str = HEADER) -> str:
    return "\n".join([header, *(rows() if lines is None else lines)]) + "\n"


def study(**runs: Any) -> dict[str, Any]:
    """``runs``: keys of ``runs:`` in place of the usual ones; None takes one out."""
    usual = {
        "path": "sweep.csv",
        "label": ["optimizer", "lr"],
        "seed": "seed",
        "metrics": {"test_accuracy": "best_acc"},
    }
    return {
        "study": "sweep",
        "style": {"formats": ["svg"]},
        "comparisons": {
            "optimizers": {
                "runs": {key: value for key, value in (usual | runs).items() if value is not None},
                "metrics": ["test_accuracy"],
                "claims": [{"metric": "test_accuracy", "better": "adam", "than": "sgd"}],
            }
        },
    }
