"""Code by import path: where it lies, what it takes, and a digest of what it does; nothing of it is run for that."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import NamedTuple

from study.axes.base import digest
from study.errors import suggest

Definition = ast.FunctionDef | ast.ClassDef


def make_importable(folder: str | Path) -> None:
    """Let modules in ``folder``, that of a study file, be imported; installed ones come first."""
    place = str(Path(folder).absolute())
    if place not in sys.path:
        sys.path.append(place)


class Code(NamedTuple):
    """What an import path (``mylab.nets:resnet``) leads to, as its source says.

    ``digest``: 12 hex digits over the syntax trees of what it needs of its module, and of the modules beside it that
    this imports, without comments, docstrings and layout; of what is installed, over the names and versions of the
    distributions. ``takes``: the names of what can be set by keyword, None where the source does not tell.
    """

    digest: str
    takes: tuple[str, ...] | None


@cache
def find(factory: str, folder: Path) -> Code:
    """The code of ``factory``, for a study file in ``folder``.

    Raises LookupError where there is no such module or name, or it would be hidden by an installed one, and ValueError
    where its module is not valid Python.
    """
    name, _, attribute = factory.partition(":")
    spec = _spec(name, folder)
    if spec is None:
        raise LookupError(f"there is no module {name!r} in {folder} or installed; give 'module:name'")
    if _is_installed(spec):
        return Code(digest(_distributions(name.partition(".")[0])), None)
    tree = _parsed(spec)
    definition = next((node for node in tree.body if isinstance(node, Definition) and node.name == attribute), None)
    known = _names(tree)
    if known is not None and attribute not in known:
        raise LookupError(suggest(attribute, sorted(known), f"name in {name}"))
    return Code(digest("\n".join(_texts(_reachable(name, [folder], {}, attribute)))), _takes(definition))


def own_line(error: BaseException) -> str:
    """The innermost line of a person's own code that raised: `` (mylab.py, line 12)``."""
    package, odd = Path(__file__).parents[1], re.compile("^<|site-packages|/lib/python")
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not (odd.search(f.filename) or Path(f.filename).is_relative_to(package))]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


@cache
def of_script(path: Path, folder: Path) -> str:
    """A digest of what a Python script does: of its syntax tree, and of those of the modules beside it that it imports.

    ``folder``: where it is run, below which it may be a module of a package.
    Of its bytes, where it is not valid in this version of Python: its own may be another.
    """
    content = path.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return hashlib.sha256(content).hexdigest()[:12]
    modules: dict[str, ast.Module] = {}
    package = ".".join(path.parent.relative_to(folder).parts) if path.is_relative_to(folder) else ""
    for other in _imported(tree, package):
        with suppress(LookupError, ValueError):  # what is installed, and what the script will find out itself
            _reachable(other, [path.parent, folder], modules)
    return digest("\n".join([_written(tree), *_texts(modules)]))


def _texts(modules: dict[str, ast.Module]) -> list[str]:
    return [f"{module} {_written(tree)}" for module, tree in sorted(modules.items())]


def _spec(name: str, *folders: Path) -> ModuleSpec | None:
    """Where a module lies. Raises LookupError where an installed one hides that of the ``folders``."""
    top = name.partition(".")[0]
    places = [str(folder.absolute()) for folder in folders]
    own = PathFinder.find_spec(top, places)
    found = PathFinder.find_spec(top, [path for path in sys.path if path not in places])
    if own and (top in sys.builtin_module_names or (found and found.origin != own.origin)):
        raise LookupError(f"{top!r} is the name of an installed module too; rename that in {folders[0]}")
    spec = found or own
    for i in range(1, name.count(".") + 1):
        inside = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(".".join(name.split(".")[: i + 1]), inside) if inside else None
    return spec


def _is_installed(spec: ModuleSpec) -> bool:
    """Whether a module is of Python or of a distribution; where a project is installed to be edited, it is not."""
    origin = Path(spec.origin or next(iter(spec.submodule_search_locations or ()), ""))
    return origin.is_relative_to(sysconfig.get_path("stdlib")) or bool(
        {"site-packages", "dist-packages"} & {*origin.parts}
    )


def _distributions(top: str) -> str:
    """Names and versions of those that have a module; Python's own have none."""
    return " ".join(f"{name} {version(name)}" for name in sorted(set(packages_distributions().get(top, ()))))


def _parsed(spec: ModuleSpec) -> ast.Module:
    source = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    try:
        return ast.parse(source.read_bytes() if source else b"")  # a folder without __init__.py holds nothing itself
    except SyntaxError as error:
        raise ValueError(f"{source}: line {error.lineno}: {error.msg}; this is not valid Python") from None


def _reachable(
    name: str, folders: Sequence[Path], found: dict[str, ast.Module], attribute: str | None = None
) -> dict[str, ast.Module]:
    """The syntax trees of a module, of the packages it is in, and of all that it imports from where it lies.

    ``folders``: where it may lie; ``attribute``: what alone is wanted of it, with what that needs.
    """
    spec = _spec(name, *folders)
    if name in found or spec is None or _is_installed(spec):
        return found
    tree = _parsed(spec) if attribute is None else _needed(_parsed(spec), attribute)
    found[name] = tree
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    for other in [name.rpartition(".")[0], *_imported(tree, package)]:
        if other:
            _reachable(other, folders, found)
    return found


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """The modules that are imported, and what may be one: every name that is taken from a package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*up, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _written(node: object) -> str:
    """A syntax tree as text, the same in every version of Python, without docstrings and places."""
    if isinstance(node, ast.AST):
        fields = dict(ast.iter_fields(node))
        if isinstance(node, ast.Module | Definition | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            fields["body"] = node.body[1:]
        parts = [f"{name}={_written(value)}" for name, value in sorted(fields.items()) if value not in (None, [])]
        return f"{type(node).__name__}({', '.join(parts)})"
    if isinstance(node, list):
        return f"[{', '.join(map(_written, node))}]"
    return repr(node)


def _names(tree: ast.Module) -> set[str] | None:
    """What a module binds; None where its source does not tell."""
    names: set[str] = set()
    for node in tree.body:
        names |= _bound(node) or set()
        if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While | ast.Match):
            return None
    return None if names & {"*", "__getattr__"} else names


def _bound(node: ast.stmt) -> set[str] | None:
    """The names that a statement binds; None where it does more, or something else."""
    if isinstance(node, Definition | ast.AsyncFunctionDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return set()
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return None
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    parts = [part for target in targets for part in ast.walk(target) if isinstance(part, ast.expr)]
    plain = all(isinstance(part, ast.Name | ast.Tuple | ast.List | ast.Starred) for part in parts)
    return {part.id for part in parts if isinstance(part, ast.Name)} if plain else None


def _needed(tree: ast.Module, name: str) -> ast.Module:
    """The statements that bind ``name`` and, in turn, what these name; with all that do more than bind names."""
    bound = [_bound(node) for node in tree.body]
    used = [{part.id for part in ast.walk(node) if isinstance(part, ast.Name)} for node in tree.body]
    future = [isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body]
    kept = {i for i, names in enumerate(bound) if names is None or "*" in names or future[i]}
    wanted, size = {name}, -1
    while len(kept) > size:
        size = len(kept)
        wanted |= {each for i in kept for each in used[i]}
        kept |= {i for i, names in enumerate(bound) if names and names & wanted}
    if wanted & {"globals", "locals", "vars", "eval", "exec", "__getattr__"} or not any(
        names and name in names for names in bound
    ):
        return tree
    return ast.Module([node for i, node in enumerate(tree.body) if i in kept], tree.type_ignores)


def _takes(definition: Definition | None) -> tuple[str, ...] | None:
    if isinstance(definition, ast.ClassDef):
        made = (node for node in definition.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
        definition = next(made, None)
    if definition is None or definition.args.kwarg:
        return None
    return tuple(argument.arg for argument in [*definition.args.args, *definition.args.kwonlyargs])
