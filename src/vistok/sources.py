"""The digest of a step's own code: what a workflow must know to rerun exactly what an edit touches."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def source_digest(module: str) -> str:
    """Returns the SHA-256 of a module of this package and of all that it imports from it.

    Comments, docstrings and formatting do not count; imports inside functions do.
    """
    digest = hashlib.sha256()
    for name in sorted(imported_modules(module)):
        digest.update(f"{name} {_code_digest(name)}\n".encode())
    return digest.hexdigest()[:16]


@cache
def imported_modules(module: str) -> frozenset[str]:
    """Returns the dotted names of the package's modules that `module` needs, itself included."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_direct_imports(name))
    return frozenset(found)


def _file(module: str) -> Path | None:
    below = PACKAGE.joinpath(*module.split(".")[1:])
    return next((path for path in (below.with_suffix(".py"), below / "__init__.py") if path.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    return ast.parse(file.read_text(encoding="utf-8") if file else "")


@cache
def _direct_imports(module: str) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("vistok."):
            names.add(node.value)  # a module named in a string is imported by name
    return frozenset(name for name in names if name.startswith("vistok.") and _file(name))


@cache
def _code_digest(module: str) -> str:
    tree = ast.parse(ast.unparse(_tree(module)))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            body[0] = ast.Pass()
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
