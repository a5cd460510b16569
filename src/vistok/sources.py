"""The digest of a step's code, by which the workflow reruns exactly what an edit touches."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from vistok.files import digest_bytes, digest_file, digest_value

PACKAGE: Final = Path(__file__).parent
_NAME: Final = PACKAGE.name
_IN_STRINGS: Final = re.compile(rf"{_NAME}(\.\w+)+\.?")


@cache
def source_digest(module: str, *named: str, without: str = "") -> str:
    """Returns a digest of a module of this package and of all that it imports from it.

    Comments, docstrings and formatting do not count; imports inside functions do, and so do the files that a
    package keeps beside its modules, such as templates.

    Args:
        module: a dotted name, such as `vistok.steps.answer`.
        named: of the modules whose names are composed at run time, those that this job imports; if none of a package
            is named, all its modules count.
        without: the package, if any, whose modules this job imports but never runs.
    """
    return digest_value(
        {name: _read(name).digest for name in imported_modules(module, *named, without=without)}
    )[:16]


@cache
def imported_modules(module: str, *named: str, without: str = "") -> frozenset[str]:
    """Returns the dotted names of the package's modules that `module` needs, itself included.

    Modules of the package `without`, and those that only they need, are left out.
    """
    if not _file(module):
        raise ModuleNotFoundError(f"no module {module} in {PACKAGE}")
    modules: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in modules or not _file(name) or (without and f"{name}.".startswith(f"{without}.")):
            continue
        modules.add(name)
        for needed in _read(name).needs:
            waiting += _looked_up(needed, named) if needed.endswith(".") else [needed]
        waiting.append(name.rpartition(".")[0])  # importing a module runs its package first
    return frozenset(modules)


@dataclass(frozen=True)
class _Module:
    needs: frozenset[str]
    digest: str


@cache
def _read(module: str) -> _Module:
    file = _file(module)
    code = _parsed(file.read_bytes() if file else b"")
    assets = [f"{path.name} {digest_file(path)}" for path in _assets(module)]
    return _Module(code.needs, digest_value([code.digest, *assets]))


@cache
def _parsed(text: bytes) -> _Module:
    """Returns what a module imports and does, cached by its text."""
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    return _Module(frozenset(_named(nodes)), _digest(tree, nodes))


def _looked_up(prefix: str, named: tuple[str, ...]) -> list[str]:
    """Returns the modules that a name starting with `prefix` may mean."""
    below = [name for name in named if name.startswith(prefix)]
    folder = PACKAGE.joinpath(*prefix.split(".")[1:])
    return below or [prefix + path.stem for path in folder.glob("[!_]*.py")]


def _named(nodes: list[ast.AST]) -> Iterator[str]:
    """Yields every dotted name below this package that is imported, or is in a string to be imported.

    A name that ends in a dot is the start of one that is put together at run time.
    """
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and _IN_STRINGS.fullmatch(node.value)
        ):
            yield node.value


@cache
def _file(module: str) -> Path | None:
    first, *rest = module.split(".")
    if first != _NAME or not all(word.isidentifier() for word in rest):
        return None
    below = PACKAGE.joinpath(*rest)
    return next((path for path in (Path(f"{below}.py"), below / "__init__.py") if path.is_file()), None)


def _digest(tree: ast.Module, nodes: list[ast.AST]) -> str:
    """Returns the SHA-256 of what code does; removes the docstrings from `tree`, which has these nodes."""
    for node in nodes:
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
    return digest_bytes(ast.dump(tree).encode())


def _assets(module: str) -> list[Path]:
    """Returns the files that a package (not a module) keeps in folders without code."""
    file = _file(module)
    if file is None or file.name != "__init__.py" or file.parent == PACKAGE:
        return []
    folders = [path for path in file.parent.iterdir() if path.is_dir() and path.name != "__pycache__"]
    plain = [folder for folder in folders if not any(folder.glob("*.py"))]
    return sorted(path for folder in plain for path in folder.rglob("*") if path.is_file())
