"""A module of a person's own, in which most is wrong: what `check --dry` is to tell."""

MINE = """
import torch
from torch import nn

def net(inputs, outputs, width=8):
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs))

def raises(inputs, outputs):
    raise RuntimeError("no such file")

def text(inputs, outputs):
    return "a network"

def nothing(inputs, outputs):
    return nn.ReLU()

def wrong(inputs, outputs):
    return nn.Linear(inputs, outputs + 1)

def infinite(inputs, outputs):
    network = nn.Linear(inputs, outputs)
    nn.init.constant_(network.weight, float("nan"))
    return network

class Idle(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.used, self.spare = nn.Linear(inputs, outputs), nn.Linear(2, 2)

    def forward(self, x):
        return self.used(x)

class Cut(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.used = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.used(x).detach()

class Breaks(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.used = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.used(x.view(1, 1))

class Listed(nn.Module):
    def __init__(self, inputs, outputs, kind="list"):
        super().__init__()
        layer = nn.Linear(inputs, inputs)
        self.inside = nn.Module()
        self.inside.held = {"list": [[layer]], "dict": {"a": layer}, "tensor": layer.weight, "no attribute": None}[kind]
        self.use = lambda: layer
        self.last = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.last(self.use()(x))

class Unlisted(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.held = (nn.Linear(inputs, outputs),)

    def forward(self, x):
        return self.held[0](x)

class Dropping(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.drop, self.last = nn.Dropout(0.3), nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.last(self.drop(x))

class Normal(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.last = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.last(x - x.mean(0))

class Spread(Normal):
    def forward(self, x):
        return self.last(x) / x.std(0).mean()

class Noisy(Normal):
    def forward(self, x):
        return self.last(x + torch.randn_like(x))

class Several(Normal):
    def forward(self, x):
        if len(x) == 1:
            raise ValueError("there is one row")
        return self.last(x)

class Claims(torch.optim.Optimizer):
    elementwise = True

    def __init__(self, parameters, lr, by="nothing"):
        super().__init__(parameters, {"lr": lr})
        self.by = by

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p)).lerp_(p.grad, 0.5)
                scale = {"norm": mean.norm(), "mean": 1 + mean.abs().mean()}.get(self.by, 1.0)
                decay = p if self.by == "rank" and p.dim() > 1 else 0
                p.sub_(mean / scale + decay, alpha=group["lr"])

class Forgets(torch.optim.Optimizer):
    def __init__(self, parameters, lr, rate=0.0):
        super().__init__(parameters, {"lr": lr})
        self.rate = rate

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(p.grad, alpha=self.rate)

def late(progress, last=-0.1):
    return 1.0 if progress < 0.9 else float(last)

def no_optimizer(parameters, lr):
    return list(parameters)

class Stepless(torch.optim.Optimizer):
    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})

class Closing(Stepless):
    def step(self, closure):
        return closure()

def breaks(progress):
    return 1 / progress

def negative(progress):
    return -1

def mixes():
    return nn.Softmax(-1)

def learns():
    return nn.PReLU()
"""
