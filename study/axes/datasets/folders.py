"""Folders of images, one for each class: what is read of them, and that nothing else is in them."""

from __future__ import annotations

from pathlib import Path

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
ASIDE = ("Thumbs.db", "desktop.ini")  # what systems leave in folders; so are names that begin with a dot


def pictures(path: Path) -> list[Path]:
    """Those of ``train`` and ``test``, where these are there; class by class, in the order of their names.

    Raises OSError where something would be left out.
    """
    parts = [path / "train", path / "test"]
    if not any(part.is_dir() for part in parts):
        parts = [path]
    else:
        for part, other in zip(parts, reversed(parts), strict=True):
            if not part.is_dir():
                words = f"has {other.name!r} and no {part.name!r}"
                raise OSError(f"{path}: {words}; add it, or move what is in {other.name!r} up")
        if odd := [folder for folder in folders_in(path) if folder not in parts]:
            raise OSError(f"{odd[0]}: is neither 'train' nor 'test', and would not be read; take it out")
    return [image for part in parts for folder in folders_in(part) for image in images_in(folder)]


def folders_in(folder: Path) -> list[Path]:
    """One for each class. Raises OSError where there is an image beside them."""
    each = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    if loose := [path for path in each if path.suffix.lower() in PICTURES]:
        raise OSError(f"{loose[0]}: is in no folder of a class, and would not be read; take it out")
    return [path for path in each if path.is_dir()]


def images_in(folder: Path) -> list[Path]:
    """Those of a class. Raises OSError where there is none, or something that is no file."""
    found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and path.name not in ASIDE]
    if odd := [path for path in found if not path.is_file()]:
        raise OSError(f"{odd[0]}: is no file, and would not be read; take it out")
    if not found:
        raise OSError(f"{folder}: is the folder of a class and holds no images; take it out")
    return found
