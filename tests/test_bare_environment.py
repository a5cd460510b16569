"""The science runs where there are neither Snakemake nor DVC nor open_clip, as on a GPU machine with its own Python."""

import subprocess
import sys
from pathlib import Path

import vistok

ABSENT = ("snakemake", "dvc", "open_clip", "pulp", "moto")
ONLY_WITH = {"vistok.tokenizers.open_clip_encoder"}  # a kind is imported where an entry asks for it
CODE = """
import importlib, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
for module in sys.argv[2].split(","):
    importlib.import_module(module)
"""


def test_every_module_is_imported_without_the_workflows_packages() -> None:
    root = Path(vistok.__file__).parent
    names = (path.relative_to(root.parent).with_suffix("").as_posix() for path in root.rglob("*.py"))
    modules = {name.replace("/", ".").removesuffix(".__init__") for name in names} - {"vistok.__main__"}
    command = [sys.executable, "-c", CODE, ",".join(ABSENT), ",".join(sorted(modules - ONLY_WITH))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-800:]
    done = subprocess.run([*command[:-1], *ONLY_WITH], capture_output=True, text=True, check=False)
    assert "import of open_clip halted" in done.stderr
