"""Initial weights against closed forms, on one large layer; through the network that a run gets."""

import math

import pytest
import torch

from study.axes.init import Init

OUT, IN = 300, 500
STD = {
    "xavier_uniform": math.sqrt(2 / (IN + OUT)),
    "xavier_normal": math.sqrt(2 / (IN + OUT)),
    "he_uniform": math.sqrt(2 / IN),
    "he_normal": math.sqrt(2 / IN),
}


def fill(name, shape=(OUT, IN), seed=0):
    weight = torch.full(shape, torch.nan)
    Init.choices()[name]().fill(weight, torch.Generator().manual_seed(seed))
    return weight


@pytest.mark.parametrize("name", STD)
def test_standard_deviation(name):
    weight = fill(name)
    assert float(weight.std()) == pytest.approx(STD[name], rel=0.01)
    assert abs(float(weight.mean())) < 4 * STD[name] / math.sqrt(weight.numel())


@pytest.mark.parametrize("name", ["xavier_uniform", "he_uniform"])
def test_uniform_fills_its_whole_range(name):
    bound = math.sqrt(3) * STD[name]
    assert 0.999 * bound < float(fill(name).abs().max()) <= bound


@pytest.mark.parametrize("name", ["xavier_normal", "he_normal"])
def test_normal_has_normal_tails(name):
    kurtosis = float((fill(name) / STD[name]).pow(4).mean())
    assert kurtosis == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("shape", [(40, 70), (70, 40), (8, 3, 3, 3)])
def test_orthogonal(shape):
    matrix = fill("orthogonal", shape).flatten(1)
    short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    torch.testing.assert_close(short @ short.T, torch.eye(len(short)), atol=1e-5, rtol=0)


def test_zeros():
    assert not fill("zeros").any()


def test_he_counts_the_whole_receptive_field_of_a_convolution():
    assert float(fill("he_normal", (200, 50, 3, 3)).std()) == pytest.approx(math.sqrt(2 / (50 * 9)), rel=0.01)


@pytest.mark.parametrize("name", [n for n in Init.choices() if n not in ("default", "zeros")])
def test_the_generator_decides(name):
    assert torch.equal(fill(name, seed=1), fill(name, seed=1))
    assert not torch.equal(fill(name, seed=1), fill(name, seed=2))
