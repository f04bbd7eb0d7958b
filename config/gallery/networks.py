"""Networks of the gallery: each is named in a study file by its import path."""

import torch
from torch import nn


class Deep(nn.Module):
    """Hidden layers of sigmoids, each normalized over the batch before, where asked for."""

    def __init__(self, inputs, outputs, width=32, depth=3, normalize=False):
        super().__init__()
        layers, features = [], int(torch.Size(inputs).numel())
        for _ in range(depth):
            layers += [nn.Linear(features, width), *[nn.BatchNorm1d(width)] * normalize, nn.Sigmoid()]
            features = width
        self.layers = nn.Sequential(nn.Flatten(), *layers, nn.Linear(features, outputs))

    def forward(self, x):
        return self.layers(x)
