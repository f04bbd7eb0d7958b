"""Layers that torch has too give its values and gradients, to the last bit."""

import pytest
import torch
from torch import nn

from study.engine.networks.layers import Halve


@pytest.mark.parametrize("shape", [(3, 2, 8, 8), (3, 2, 7, 9), (1, 1, 2, 3)])
def test_halve_is_max_pooling_ties_and_odd_sizes_included(shape):
    x = torch.randint(-2, 3, shape).float().requires_grad_()  # few values: most windows have a tie
    ours, theirs = Halve()(x), torch.nn.functional.max_pool2d(x, 2)
    assert torch.equal(ours, theirs)
    grad = torch.randn_like(ours)
    assert torch.equal(*(torch.autograd.grad(out, x, grad)[0] for out in (ours, theirs)))


@pytest.mark.parametrize("settings", [{"padding": 1}, {"ceil_mode": True}, {"dilation": 2}, {"stride": 1}])
def test_other_pooling_is_no_halving(settings):
    assert Halve.suits(nn.MaxPool2d(2))
    assert not Halve.suits(nn.MaxPool2d(2, **settings))
