"""What moves the digest of code by import path, and what does not; nothing is run for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.axes.code import find

SOURCE = '''"""My networks."""
import torch
from lab import parts
from lab.deep.base import Base


class Net(Base):  # mine
    """A network."""

    def __init__(self, inputs, outputs, width=8, *, depth=2):
        """Layers."""
        self.layer = parts.layer(inputs, helped(width))


def other(x):
    return x


def scaled(x):
    return scale(x)


from lab import apart
WIDTH = 4
DEPTH = 4
print("made")


def helped(a):
    return a + WIDTH
'''
FILES = {
    "lab/__init__.py": "",
    "lab/nets.py": SOURCE,
    "lab/parts.py": "def layer(a, b):\n    return a * b\n",
    "lab/deep/__init__.py": "",
    "lab/deep/base.py": "from ..lone import ONE\n\n\nclass Base:\n    pass\n",
    "lab/lone.py": "ONE = 1\n",
    "lab/apart.py": "TWO = 2\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def digest(folder: Path) -> str:
    find.cache_clear()  # a process plans once
    return find("lab.nets:Net", folder).digest


@pytest.mark.parametrize(
    ("name", "old", "new", "moves"),
    [
        ("lab/nets.py", "# mine", "# somebody's", False),
        ("lab/nets.py", '"""A network."""', '"""Another."""', False),
        ("lab/nets.py", '    """A network."""\n\n', "", False),
        ("lab/nets.py", "width=8, *, depth=2", "width = 8,\n *, depth = 2", False),
        ("lab/nets.py", "width=8", "width=9", True),
        ("lab/nets.py", "return x", "return -x", False),  # of another function
        ("lab/nets.py", "WIDTH = 4", "WIDTH = 5", True),
        ("lab/nets.py", "DEPTH = 4", "DEPTH = 5", False),
        ("lab/nets.py", "scale(x)", "scale(2 * x)", False),
        ("lab/nets.py", "a + WIDTH", "a - WIDTH", True),
        ("lab/nets.py", "import apart", "import apart as other_name", False),
        ("lab/nets.py", "print(", "repr(", True),
        ("lab/parts.py", "a * b", "a + b", True),
        ("lab/lone.py", "ONE = 1", "ONE = 2", True),
        ("lab/__init__.py", "", "import os", True),
        ("lab/apart.py", "TWO = 2", "TWO = 3", False),
    ],
)
def test_what_moves_the_digest(name: str, old: str, new: str, moves: bool, folder: Path) -> None:
    before = digest(folder)
    path = folder / name
    path.write_text(path.read_text().replace(old, new, 1))
    assert (digest(folder) != before) == moves


def test_the_folder_does_not_matter(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "place"
    folder.rename(other)
    folder.mkdir()
    before = digest(other)
    other.rename(folder.parent / "third")
    assert digest(folder.parent / "third") == before


def test_the_digest_is_the_same_in_every_version_of_python(folder: Path) -> None:
    """A golden one: it would move ids, and train all arms with code of one's own again."""
    assert digest(folder) == "df9bb8273fff"


def test_what_it_takes(folder: Path) -> None:
    assert find("lab.nets:Net", folder).takes == ("self", "inputs", "outputs", "width", "depth")
    assert find("lab.nets:other", folder).takes == ("x",)


def test_what_is_installed_counts_by_its_version(folder: Path) -> None:
    found = find("torch.optim:SGD", folder)
    assert found.takes is None
    assert found.digest != find("numpy:array", folder).digest


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("lab.nets:Ned", "'Ned' is not a name in lab.nets; did you mean 'Net'?"),
        ("lab.net:Net", "there is no module 'lab.net' in"),
        ("labs:Net", "there is no module 'labs' in"),
    ],
)
def test_what_is_not_there(factory: str, words: str, folder: Path) -> None:
    with pytest.raises(LookupError, match=words.replace("?", r"\?")):
        find(factory, folder)


def test_a_name_that_an_installed_module_has_is_refused(folder: Path) -> None:
    (folder / "numpy.py").write_text("def net(): pass\n")
    with pytest.raises(LookupError, match="'numpy' is the name of an installed module too; rename that in"):
        find("numpy:net", folder)


def test_what_is_no_python_names_the_line(folder: Path) -> None:
    (folder / "torn.py").write_text("x = 1\ndef net(:\n")
    with pytest.raises(ValueError, match=r"torn.py: line 2: invalid syntax; this is not valid Python"):
        find("torn:net", folder)
