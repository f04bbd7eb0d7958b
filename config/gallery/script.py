"""Somebody's training script, in plain PyTorch: settings come as JSON, a JSON line goes out after every epoch."""

import argparse
import json

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
for name in ("recipe", "seed", "log"):
    parser.add_argument(f"--{name}", required=True)
args = parser.parse_args()
with open(args.recipe) as file:
    settings = json.load(file)
torch.manual_seed(int(args.seed))

images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images, dtype=torch.float32) / 16, torch.tensor(labels)
rows = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
train, val, test = rows[:1077], rows[1077:1437], rows[1437:]

model = nn.Sequential(nn.Linear(64, settings["width"]), nn.ReLU(), nn.Linear(settings["width"], 10))
optimizer = torch.optim.SGD(model.parameters(), lr=settings["lr"], momentum=settings["momentum"])


def evaluate(part, rows):
    with torch.no_grad():
        out = model(x[rows])
    accuracy = (out.argmax(1) == y[rows]).float().mean().item()
    return {f"{part}_loss": nn.functional.cross_entropy(out, y[rows]).item(), f"{part}_accuracy": accuracy}


step = 0
with open(args.log, "w") as log:
    for epoch in range(settings["epochs"] + 1):
        for batch in train[torch.randperm(len(train))].split(32) if epoch else ():
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
            step += 1
        scores = evaluate("train", train) | evaluate("val", val) | evaluate("test", test)
        print(json.dumps({"epoch": epoch, "step": step, **scores}), file=log, flush=True)
