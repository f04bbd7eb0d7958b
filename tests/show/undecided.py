"""Small studies with claims that few seeds leave undecided, and runs that are noisy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

BETTER = """
a:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}, {name: adagrad, lr: 0.01}]}
  metrics: [test_accuracy, steps_to_target]
  claims:
    - {metric: test_accuracy, better: adam, than: sgd}
    - {metric: train_loss, better: adam, than: sgd, margin: 0.01}
    - {metric: test_loss, better: adam, than: sgd, kind: equal, margin: 0.01}
    - {metric: step_seconds, better: adam, than: sgd}
    - {metric: steps_to_target, better: sgd, than: adam}
"""
ONE = """
a:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}, {name: adagrad, lr: 0.01}]}
  metrics: [test_accuracy]
  claims: [{metric: test_accuracy, better: adam, than: sgd}]
"""
Suggest = Callable[..., list[str]]


def noisy(label: str, seed: int) -> Mapping[str, object]:
    """Adam is better by a point on the average, which differs by two from seed to seed."""
    noise = np.random.default_rng([seed, len(label)]).normal(0, 0.014)
    return {"level": {"adam": 0.94}.get(label, 0.93) + float(noise), "pace": 0.8 + seed / 20}
