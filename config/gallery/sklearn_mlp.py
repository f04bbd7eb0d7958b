"""scikit-learn's MLPClassifier, one epoch at a time: settings come as JSON, a JSON line goes out after each epoch."""

import json
import sys

from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

recipe, seed, log = sys.argv[1:]
with open(recipe) as file:
    settings = json.load(file)
epochs = settings.pop("epochs")

x, y = load_digits(return_X_y=True)
x_rest, x_test, y_rest, y_test = train_test_split(x / 16, y, test_size=0.2, random_state=0, stratify=y)
x_train, x_val, y_train, y_val = train_test_split(x_rest, y_rest, test_size=0.25, random_state=0, stratify=y_rest)
splits = {"train": (x_train, y_train), "val": (x_val, y_val), "test": (x_test, y_test)}

model = MLPClassifier(random_state=int(seed), **settings)
with open(log, "w") as lines:
    for epoch in range(1, epochs + 1):
        scores = {"epoch": epoch}
        try:
            model.partial_fit(x_train, y_train, classes=range(10))
        except ValueError:  # as it calls weights that are not finite
            scores["train_loss"] = float("nan")
        else:
            for part, (inputs, labels) in splits.items():
                chances = model.predict_proba(inputs)
                scores[f"{part}_accuracy"] = float((chances.argmax(1) == labels).mean())
                scores[f"{part}_loss"] = float(log_loss(labels, chances, labels=range(10)))
        print(json.dumps(scores), file=lines, flush=True)
