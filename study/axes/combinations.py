"""Which choices do not go together, on whatever axes they are."""

from __future__ import annotations

from study.axes.recipe import REQUIRED, Recipe
from study.axes.trainer import Command
from study.axes.training import FlipCrop, NoAugmentation, Patience


def impossible(recipe: Recipe) -> tuple[tuple[str, ...], str] | None:
    """The axes that do not go together and why; None where it can be trained."""
    if isinstance(recipe.trainer, Command):
        twice = [axis for axis in recipe.stated if axis in recipe.trainer.keywords()]
        words = f"{twice[0]!r} is a setting of the script, too; give it in one place" if twice else ""
        return ((twice[0],), words) if twice else None
    lacking = [axis for axis in REQUIRED if getattr(recipe, axis) is None]
    if lacking:
        return (*lacking, "trainer"), f"the engine needs {lacking[0]!r}; give one, or a trainer of your own"
    network, dataset, size = recipe.network, recipe.dataset, recipe.batch_size
    if recipe.epochs is None and recipe.steps is None:
        return ("epochs", "steps"), "is missing, and so is steps: give one of them"
    if recipe.epochs is not None and recipe.steps is not None:
        return ("steps", "epochs"), "is the budget, and epochs is given too; keep one of them"
    if network.images_only and dataset.images is False:
        return ("network", "dataset"), f"{network.name!r} needs images and {dataset.name!r} has none; use 'mlp'"
    if dataset.shape and (why := network.misfit(dataset.shape)):
        return ("network", "dataset"), f"{network.name}: {why}"
    if recipe.augmentation != NoAugmentation() and dataset.images is False:
        words = f"{recipe.augmentation.name!r} changes images and {dataset.name!r} has none; use augmentation: none"
        return ("augmentation", "dataset"), words
    if isinstance(recipe.augmentation, FlipCrop) and len(dataset.shape) == 3:
        padding, (height, width) = recipe.augmentation.padding, dataset.shape[1:]
        if padding >= min(height, width):
            words = f"padding of {padding} may shift images of {height} × {width} out of sight"
            return ("augmentation", "dataset"), f"{words}; give padding: {min(height, width) - 1} at most"
    if recipe.dropout > 0 and not network.hidden_layers:
        return ("dropout", "network"), f"{network.name!r} has no hidden layer to drop from; use dropout 0"
    if recipe.optimizer.hidden_only and not network.hidden_layers:
        words = f"{network.name!r} has no hidden layer for {recipe.optimizer.name!r} to step; give it matrices: all"
        return ("optimizer", "network"), words
    if recipe.optimizer.again and recipe.gpus > 1:
        return ("optimizer", "gpus"), f"{recipe.optimizer.name!r} evaluates the loss again within a step; use gpus 1"
    if dataset.has_no_classes:
        task = dataset.known_task
        for axis in ("label_smoothing", "label_noise"):
            if getattr(recipe, axis):
                return (axis, "dataset"), f"{dataset.name!r} is for {task}, and has no labels; use {axis} 0"
        if isinstance(recipe.early_stopping, Patience) and recipe.early_stopping.metric == "val_accuracy":
            words = f"'val_accuracy' needs classes and {dataset.name!r} is for {task}; use metric: val_loss"
            return ("early_stopping", "dataset"), words
    if wrong := oversized(recipe):
        return ("batch_size", "train_share", "start", "dataset"), wrong
    if size < recipe.gpus:
        return ("batch_size", "gpus"), f"a batch of {size} cannot be split over {recipe.gpus} devices; use fewer"
    return unnormalized(recipe) if network.batch_statistics else None


def unnormalized(recipe: Recipe) -> tuple[tuple[str, ...], str] | None:
    """The same of batch normalization, which needs at least two rows of a batch in one place."""
    dataset, size = recipe.dataset, recipe.batch_size
    if recipe.gpus > 1:
        words = "batch normalization would see one device's part of a batch only; use gpus 1, or batch_norm: false"
        return ("gpus", "network"), words
    axes = ("batch_size", "network", "dataset")
    if size == 1:
        return axes, "batch normalization needs at least two rows a batch; use a larger batch"
    rows = dataset.sizes and recipe.training_rows(dataset.sizes[0])
    if rows and rows % size == 1:
        return axes, (
            f"batches of {size} cut {rows} training rows so that one row is left for the last, "
            "too few for batch normalization; use another batch size"
        )
    return None


def oversized(recipe: Recipe) -> str | None:
    """Why its batches cannot be filled: there are fewer rows to train on; None where they can, or nobody knows yet.

    A run would take all its rows at every step, under a batch size that it never had.
    """
    if recipe.trainer.free or recipe.dataset is None or not recipe.dataset.sizes:
        return None
    for stage, whose in ((recipe, f"of {recipe.dataset.title!r}"), (recipe.before, "that its start is trained on")):
        rows = stage and stage.training_rows(recipe.dataset.sizes[0])
        if rows and recipe.batch_size > rows:
            share = f" (train_share {recipe.train_share:g})" * (stage is recipe and recipe.train_share < 1)
            words = f"a batch of {recipe.batch_size:,} is larger than the {rows:,} training rows {whose}{share}"
            return f"{words}; give batch_size: {rows} at most"
    return None
