"""vistok rebuilds the tables of "What Makes for Good Visual Tokenizers for Large Language Models?".

What is here by name is imported when it is first used: `vistok.score`, `vistok.compare`, `vistok.Score`,
`vistok.Comparison`, `vistok.VistokError`, and `vistok.__version__`.
"""

from importlib import import_module
from typing import Any, Final

# Relative, because a step's code digest follows full module names, and no step runs these.
_PUBLIC: Final = {
    "score": ".api",
    "compare": ".api",
    "Score": ".api",
    "Comparison": ".api",
    "VistokError": ".errors",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version(__name__)
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
