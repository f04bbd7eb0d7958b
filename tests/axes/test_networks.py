"""Networks and activations: shapes, layers and the place of dropout."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from study.axes.activation import ELU, Activation, LeakyReLU
from study.axes.network import MLP, ConvNet, Linear, Network

X = torch.linspace(-4, 4, 41)


class Mark(nn.Module):
    """Stands for the activation, or for dropout."""


@pytest.mark.parametrize("outputs", [1, 10])
@pytest.mark.parametrize("name", [n for n in Network.choices() if n != "custom"])
def test_outputs(name, outputs):
    network = Network.choices()[name]()
    module = network.build((1, 8, 8), outputs, nn.ReLU, nn.Identity)
    assert module(torch.rand(3, 1, 8, 8)).shape == (3, outputs)


@pytest.mark.parametrize("name", [n for n in Network.choices() if n != "custom"])
def test_dropout_follows_every_activation_and_nothing_else(name):
    class Act(Mark): ...

    class Drop(Mark): ...

    network = Network.choices()[name]()
    layers = [layer for layer in network.build((1, 8, 8), 3, Act, Drop).modules() if not list(layer.children())]
    after_activation = [isinstance(layers[i + 1], Drop) for i, layer in enumerate(layers) if isinstance(layer, Act)]
    assert all(after_activation)
    assert sum(isinstance(layer, Drop) for layer in layers) == len(after_activation)
    assert network.hidden_layers == bool(after_activation)


def sizes(module):
    return [tuple(p.shape) for p in module.parameters()]


def test_mlp_has_the_widths_asked_for():
    module = MLP(hidden=(7, 5)).build((13,), 3, nn.ReLU, nn.Identity)
    assert sizes(module) == [(7, 13), (7,), (5, 7), (5,), (3, 5), (3,)]


def test_linear_is_one_affine_map():
    assert sizes(Linear().build((2, 3), 4, nn.ReLU, nn.Identity)) == [(4, 6), (4,)]


def test_convnet_halves_the_image_in_each_block():
    module = ConvNet(channels=(4, 6), kernel_size=5, batch_norm=False).build((3, 9, 14), 2, nn.ReLU, nn.Identity)
    assert sizes(module) == [(4, 3, 5, 5), (4,), (6, 4, 5, 5), (6,), (2, 6 * 2 * 3), (2,)]


def test_batch_norm_is_a_setting():
    normalized, plain = (ConvNet(batch_norm=b).build((1, 8, 8), 2, nn.ReLU, nn.Identity) for b in (True, False))
    assert sum(isinstance(m, nn.BatchNorm2d) for m in normalized.modules()) == 2
    assert not any(isinstance(m, nn.BatchNorm2d) for m in plain.modules())
    assert ConvNet(batch_norm=True).batch_statistics
    assert not ConvNet(batch_norm=False).batch_statistics


SHAPES = [(7,), (1, 8, 8), (3, 5, 12), (1, 1, 4), (1, 3, 3), (2, 16, 16)]
SETTINGS = {
    "convnet": [{"channels": (2,) * n, "kernel_size": k} for n in (1, 2, 3, 4, 5) for k in (1, 3)],
    "transformer": [{"width": w, "heads": h, "patch": p} for w, h in ((8, 2), (9, 2)) for p in (1, 2, 3, 16)],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [n for n in Network.choices() if n != "custom"])
def test_what_fits_no_rows_is_said_before_it_is_built(name, shape):
    for settings in SETTINGS.get(name, [{}]):
        network = Network.choices()[name](**settings)
        image = shape[1:]
        impossible = network.images_only and not image
        if name == "convnet" and image:
            impossible = min(image) < 2 ** len(network.channels) or network.kernel_size > min(image)
        if name == "transformer":
            impossible = network.width == 9 or any(side % network.patch for side in image)
        assert bool(network.misfit(shape)) == impossible, settings
        if not impossible:
            module = network.build(shape, 3, nn.ReLU, nn.Identity)
            assert module.eval()(torch.rand(2, *shape)).shape == (2, 3)


def test_a_kernel_larger_than_the_image_is_told():
    assert ConvNet(kernel_size=9).misfit((1, 8, 9)).endswith("larger than an image of 8 × 9; give kernel_size: 3")
    assert ConvNet(kernel_size=8).misfit((1, 8, 9)) is None


FORMULAS = {
    "identity": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + torch.exp(-x)),
    "tanh": lambda x: (torch.exp(2 * x) - 1) / (torch.exp(2 * x) + 1),
    "relu": lambda x: torch.where(x > 0, x, 0.0),
    "leaky_relu": lambda x: torch.where(x > 0, x, 0.01 * x),
    "gelu": lambda x: x * torch.distributions.Normal(0.0, 1.0).cdf(x),
    "silu": lambda x: x / (1 + torch.exp(-x)),
    "elu": lambda x: torch.where(x > 0, x, torch.exp(x) - 1),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activations_by_formula(name):
    torch.testing.assert_close(Activation.choices()[name]().build()(X), FORMULAS[name](X), atol=1e-6, rtol=1e-5)


def test_settings_of_activations():
    torch.testing.assert_close(LeakyReLU(negative_slope=0.3).build()(X), F.leaky_relu(X, 0.3))
    torch.testing.assert_close(ELU(alpha=2.0).build()(X), F.elu(X, 2.0))
