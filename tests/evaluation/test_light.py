"""Scoring starts at once: of evaluation, `answer` alone imports torch."""

import subprocess
import sys
from pathlib import Path

import vistok.evaluation
from vistok.sources import imported_modules

ROOM = Path(vistok.evaluation.__file__).parent


def modules() -> list[str]:
    """Returns every module of evaluation but those that answer with a model."""
    files = [path.relative_to(ROOM).with_suffix("").parts for path in sorted(ROOM.rglob("*.py"))]
    return [".".join(["vistok.evaluation", *parts]) for parts in files if parts[0] != "answer"]


def test_scoring_imports_no_torch() -> None:
    names = [name.removesuffix(".__init__") for name in modules()]
    assert "vistok.evaluation.score.files" in names
    code = f"import sys, {', '.join(names)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_scoring_imports_nothing_that_answers_inside_functions_either() -> None:
    for name in modules():
        needed = imported_modules(name.removesuffix(".__init__"))
        assert not [other for other in needed if other.startswith("vistok.evaluation.answer")], name
