"""Penalties by hand."""

import pytest

from study.axes.regularizer import L1, L2, ElasticNet, NoPenalty


@pytest.mark.parametrize(
    ("penalty", "l1", "l2"),
    [
        (NoPenalty(), 0, 0),
        (L1(strength=0.3), 0.3, 0),
        (L2(strength=0.3), 0, 0.3),
        (ElasticNet(strength=0.5, l1_ratio=0.2), 0.1, 0.4),
        (ElasticNet(strength=0.5, l1_ratio=1), 0.5, 0),
        (ElasticNet(strength=0.5, l1_ratio=0), 0, 0.5),
    ],
)
def test_weights_of_both_norms(penalty, l1, l2):
    assert penalty.strengths == pytest.approx((l1, l2))
