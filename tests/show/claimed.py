"""A small study with six claims, and how its runs ended."""

from __future__ import annotations

from collections.abc import Mapping

CLAIMED = """
optimizer:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}
  metrics: [test_accuracy, seconds_to_target]
  claims:
    - {metric: test_accuracy, better: adam, than: sgd}
    - {metric: train_loss, better: sgd, than: adam}
    - {metric: seconds_to_target, better: adam, than: sgd}
    - {metric: memory_mib, better: sgd, than: adam}
    - {metric: train_seconds, better: adam, than: sgd}
    - {metric: speedup, better: adam, than: sgd, derived: true}
"""


def outcome(label: str, seed: int) -> Mapping[str, object]:
    return {"level": {"adam": 0.98, "sgd": 0.95}[label] + seed % 3 / 1000, "pace": 0.8 + seed / 20}
