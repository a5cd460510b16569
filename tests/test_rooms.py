"""The rules of the house: who imports whom, and what no file may do."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import vistok

PACKAGE = Path(vistok.__file__).parent
BASE = (
    "errors", "failures",
    "reading", "leftovers", "files", "headers", "pins", "sources", "provenance", "locks", "checkpoints", "progress",
)  # fmt: skip
ROOMS = (
    "grid",
    "chain",
    "world",
    "datasets",
    "benchmark",
    "tokenizers",
    "probes",
    "mllm",
    "training",
    "supervision",
    "evaluation",
    "versions",
    "published",
    "claims",
    "audit",
    "tables",
    "pages",
    "planning",
    "steps",
    "workflow",
    "commands",
    "api",
    "cli",
    "__main__",
)
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_bytes()) for path in PACKAGE.rglob("*.py")}
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen"}


def imports(tree: ast.Module) -> set[str]:
    """Returns the dotted names of all that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def calls(tree: ast.Module) -> Iterator[tuple[str, dict[str | None, str]]]:
    """Yields the name and the keyword arguments of every call, as written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}


def room_of(file: str) -> str:
    return file.partition("/")[0].removesuffix(".py")


def test_every_room_has_its_place() -> None:
    assert {room_of(file) for file in TREES} - {"__init__"} == {*BASE, *ROOMS}


def test_a_room_imports_only_from_its_left() -> None:
    wrong = []
    for file, tree in TREES.items():
        room, order = room_of(file), (*BASE, *ROOMS)
        allowed = {room, *BASE, *order[: order.index(room)]} if room in ROOMS else {room, *BASE}
        asked = {name.split(".")[1] for name in imports(tree) if name.startswith("vistok.")}
        wrong += [f"{file} imports from {name}" for name in sorted(asked - allowed)]
    assert wrong == []


def test_no_room_is_large_and_functions_are_short() -> None:
    lines = Counter[str]()
    for file in TREES:
        lines[room_of(file)] += len((PACKAGE / file).read_text().splitlines())
    assert {room: count for room, count in lines.items() if count > 0.15 * lines.total()} == {}
    nodes = [node for tree in TREES.values() for node in ast.walk(tree)]
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1 for node in nodes if isinstance(node, ast.FunctionDef)
    )
    assert lengths[len(lengths) * 9 // 10] <= 21


def test_only_commands_parse_arguments() -> None:
    adding = {
        file for file, tree in TREES.items() if any(name.endswith(".add_argument") for name, _ in calls(tree))
    }
    assert {room_of(file) for file in adding} == {"commands"}


def test_science_knows_no_workflow_engine() -> None:
    engines = {"snakemake", "dvc"}
    assert [
        file for file, tree in TREES.items() if {name.split(".")[0] for name in imports(tree)} & engines
    ] == []


def test_no_file_can_bring_code() -> None:
    wrong = []
    for file, tree in TREES.items():
        wrong += [f"{file}: {name}" for name in imports(tree) if name.split(".")[0] in UNSAFE_MODULES]
        for name, options in calls(tree):
            bad = name in UNSAFE_CALLS or options.get("shell", "False") != "False"
            bad |= name == "torch.load" and options.get("weights_only") != "True"
            bad |= options.get("allow_pickle", "False") != "False"
            wrong += [f"{file}: {name}"] if bad else []
    assert wrong == []


def test_the_rules_find_what_they_forbid() -> None:
    tree = ast.parse("import pickle, dvc.api\nfrom vistok.cli import main\nsubprocess.run('x', shell=True)\n")
    assert imports(tree) == {"pickle", "dvc.api", "vistok.cli.main"}
    assert list(calls(tree)) == [("subprocess.run", {"shell": "True"})]


def test_a_module_opens_with_what_it_is() -> None:
    opened = {file: (ast.get_docstring(tree) or "").partition("\n")[0] for file, tree in TREES.items()}
    assert [file for file, said in opened.items() if not said.endswith((".", "?", ":"))] == []
