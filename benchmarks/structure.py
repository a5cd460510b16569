"""Measures the shape of the code, and runs the tests that count the files to edit for each new kind.

.venv/bin/python benchmarks/structure.py [--tests] [--planning FILE.json] [--out FILE.json]

Counts Python in rules, lines of rooms, imports between rooms and lengths of functions with the code of the tests that
limit them. `--tests` also runs the tests of KINDS and JOBS, which take minutes. `--planning` adds what planning.py
measured. Fails if a target is missed.
"""

import argparse
import ast
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, Final

from clones import ROOT, about

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/test_workflow")]

from test_rules import python_lines, rule_files  # noqa: E402

from test_rooms import BASE, PACKAGE, ROOMS, TREES, imports, room_of  # noqa: E402

RULES_LINES: Final = 150
ROOM_SHARE: Final = 0.15
FUNCTION_P90: Final = 21
# What is added -> (files to edit, at most this many, the test that edits them); tests and generated files do not count.
KINDS: Final[dict[str, tuple[tuple[str, ...], int, str]]] = {
    "task kind": (
        ("evaluation/kinds/KIND.py", "tasks.yaml", "tables.yaml"),
        4,
        "tests/evaluation/kinds/test_new_kind.py::test_a_file_and_an_entry_are_all_that_a_new_kind_needs",
    ),
    "connector": (
        ("grid/connectors.py", "mllm/connectors/KIND.py", "recipes.yaml"),
        4,
        "tests/mllm/test_adding_a_kind.py::test_a_kind_is_a_value_a_module_and_an_entry",
    ),
    "kind of language model": (
        ("grid/language_models.py", "mllm/language_models/KIND.py", "llms.yaml"),
        4,
        "tests/mllm/test_adding_a_kind.py::test_a_kind_is_a_value_a_module_and_an_entry",
    ),
    "objective with a teacher": (
        ("supervision/objectives/KIND.py", "tokenizers.yaml", "scales/SCALE.yaml"),
        5,
        "tests/supervision/test_adding_an_objective.py::test_an_objective_with_a_teacher_is_one_file_and_two_entries",
    ),
    "figure": (
        ("steps/VERB.py", "grid/steps.py", "grid/verbs.py"),
        4,
        "tests/test_workflow/test_adding.py::test_a_figure_takes_three_files",
    ),
    "released model": (
        ("models.yaml", "tables.yaml"),
        4,
        "tests/grid/test_steps.py::test_a_released_model_is_an_entry_and_a_row",
    ),
    "table over known parts": (
        ("tables.yaml",),
        2,
        "tests/test_workflow/test_job_sets.py::test_a_table_over_known_runs_and_tasks_is_tabulated_alone",
    ),
}
JOBS: Final = tuple(
    f"tests/test_workflow/test_job_sets.py::{name}"
    for name in (
        "test_nothing_changed",
        "test_a_new_row_has_its_own_jobs",
        "test_a_table_with_a_new_row_answers_its_suite",
        "test_a_task_of_another_suite_has_no_old_question_answered_or_scored_again",
        "test_a_task_that_joins_a_suite_has_the_whole_suite_asked_again",
    )
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tests", action="store_true", help="run the tests of each kind and of the job sets")
    parser.add_argument("--planning", type=Path, help="what planning.py wrote")
    parser.add_argument("--out", type=Path, help="a JSON file for what is measured")
    args = parser.parse_args()
    found = rules() | rooms() | arrows() | functions() | {"files_to_add": files_to_add()}
    kept = {
        f"at most {RULES_LINES} lines of Python in rules": found["python_in_rules"] <= RULES_LINES,
        f"no room above {ROOM_SHARE:.0%}": max(found["room_shares"].values()) <= ROOM_SHARE,
        "no import upward, so no circle": not found["imports_upward"],
        f"functions: p90 at most {FUNCTION_P90}": found["functions"]["p90"] <= FUNCTION_P90,
        "files to add a kind": all(len(files) <= most for files, most, _ in KINDS.values()),
    }
    if args.planning:
        plans = json.loads(args.planning.read_text())
        found["planning"] = plans
        kept |= {
            target: is_kept
            for target, is_kept in plans["kept"].items()
            if "fifth" in target or "CPU" in target
        }
    if args.tests:
        found["tests"] = passed(dict.fromkeys((*(test for _, _, test in KINDS.values()), *JOBS)))
        kept["tests pass"] = all(found["tests"].values())
    for target, is_kept in kept.items():
        print(f"{target}: {'kept' if is_kept else 'MISSED'}")
    if args.out:
        args.out.write_text(json.dumps(about() | found | {"kept": kept}, indent=1) + "\n")
    return 0 if all(kept.values()) else 1


def rules() -> dict[str, Any]:
    """Returns the lines of Python in the files of rules."""
    lines = {path.name: python_lines(path.read_text()) for path in rule_files(ROOT)}
    return {"python_in_rules": sum(lines.values()), "python_by_file": lines}


def rooms() -> dict[str, Any]:
    """Returns the lines of the package, and each room's share of them, the largest first."""
    lines = Counter[str]()
    for file in TREES:
        lines[room_of(file)] += len((PACKAGE / file).read_text().splitlines())
    shares = {room: round(count / lines.total(), 4) for room, count in lines.most_common()}
    return {"files": len(TREES), "lines": lines.total(), "room_shares": shares}


def arrows() -> dict[str, Any]:
    """Returns how many pairs of rooms import from each other, and those that import from above."""
    order = [*BASE, *ROOMS]
    pairs = {
        (room_of(file), name.split(".")[1])
        for file, tree in TREES.items()
        for name in imports(tree)
        if name.startswith("vistok.") and room_of(file) in order and name.split(".")[1] in order
    }
    between = sorted(pair for pair in pairs if pair[0] != pair[1])
    upward = [pair for pair in between if pair[0] in ROOMS and order.index(pair[1]) > order.index(pair[0])]
    return {"imports_between_rooms": len(between), "imports_upward": upward}


def functions() -> dict[str, Any]:
    """Returns the lengths of functions and modules in lines."""
    nodes = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    lengths = sorted((node.end_lineno or 0) - node.lineno + 1 for node in nodes)
    modules = sorted(((len((PACKAGE / file).read_text().splitlines()), file) for file in TREES), reverse=True)
    numbers = {
        "n": len(lengths),
        "median": median(lengths),
        "p90": lengths[len(lengths) * 9 // 10],
        "max": lengths[-1],
    }
    return {"functions": numbers, "longest_modules": {file: count for count, file in modules[:10]}}


def files_to_add() -> dict[str, Any]:
    """Returns the files that each addition edits, with the target and the test."""
    return {
        what: {"files": len(files), "at_most": most, "which": files, "test": test}
        for what, (files, most, test) in KINDS.items()
    }


def passed(tests: dict[str, None]) -> dict[str, bool]:
    """Runs tests in one process, and returns which pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-rA", *tests]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    ended_well = set(re.findall(r"^PASSED (\S+)$", done.stdout, re.MULTILINE))
    print(done.stdout[-2000:])
    return {test: test in ended_well for test in tests}


if __name__ == "__main__":
    sys.exit(main())
