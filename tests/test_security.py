"""Nothing that a file, a grid or a command line brings may run as code, leave its folder, or reach a shell unquoted.

Each rule is a function that finds what it forbids; a bad sample beside it shows that it can.
"""

import ast
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.conftest import REPOSITORY

from vistok.errors import VistokError
from vistok.grid.downloads import load_downloads
from vistok.grid.load import load_study

# Everything of the project that runs, its tests left out: they hold the bad samples.
PYTHON = sorted(
    path
    for folder in ("src", "benchmarks", "docs", "workflow")
    for path in (REPOSITORY / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
RULES = [REPOSITORY / "Snakefile", *sorted((REPOSITORY / "workflow/rules").glob("*.smk"))]
HOSTILE_IDS = [
    "x; rm -rf ~",
    "../up",
    "$(id)",
    "`id`",
    "a b",
    "a\nb",
    "a'b",
    'a"b',
    "-rf",
    "a{b}",
    "a|b",
    "/etc",
    "~",
]
HOSTILE_ROOTS = [
    "two words",
    "it's",
    'a "quoted" one',
    "$(touch PWNED)",
    "`touch PWNED`",
    "a; touch PWNED",
    "-rf",
    "a & b",
]
Finder = Callable[[str], list[str]]


def calls(code: str) -> Iterator[tuple[str, ast.Call, dict[str, str]]]:
    """Yields every call of some code: its name, itself and its keyword arguments, as written."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            words = {str(word.arg): ast.unparse(word.value) for word in node.keywords}
            yield ast.unparse(node.func), node, words


def unsafe_loads(code: str) -> list[str]:
    """Finds readers that run what they read: torch.load without `weights_only=True`, and arrays with objects.

    Without `trust_remote_code` transformers asks on standard input, and a "y" there runs a folder's code.
    """
    return [
        name
        for name, _, words in calls(code)
        if (name.endswith("torch.load") and words.get("weights_only") != "True")
        or words.get("allow_pickle", "False") != "False"
        or words.get("trust_remote_code", "False") != "False"
        or (name.endswith("from_pretrained") and "trust_remote_code" not in words)
        or name.endswith(("from_pickle", "read_pickle"))
    ]


def unsafe_yaml(code: str) -> list[str]:
    """Finds YAML readers that can build any object: only the safe loaders may be named."""
    bad = ("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "yaml.unsafe_load_all")
    found = [
        name
        for name, call, words in calls(code)
        if name in bad
        and "Safe" not in words.get("Loader", ast.unparse(call.args[1]) if call.args[1:] else "")
    ]
    return found + re.findall(
        r"yaml\.(?:Unsafe|Full)?Loader\b|yaml\.CLoader\b|CUnsafeLoader|CFullLoader", code
    )


def pickles(code: str) -> list[str]:
    """Finds imports of modules that read code."""
    modules = {"pickle", "cPickle", "_pickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return [name for name in found if name.partition(".")[0] in modules]


def shells(code: str) -> list[str]:
    """Finds commands that a shell would parse, and code made from text."""
    found = []
    for name, call, words in calls(code):
        text = call.args and isinstance(call.args[0], (ast.JoinedStr, ast.BinOp))
        bad = name in (
            "eval",
            "exec",
            "os.system",
            "os.popen",
            "subprocess.getoutput",
            "subprocess.getstatusoutput",
        )
        bad |= words.get("shell", "False") != "False"
        bad |= bool(text) and name.startswith("subprocess.")
        found += [name] if bad else []
    return found


def unsafe_archives(code: str) -> list[str]:
    """Finds unpackers that trust names; vistok.planning.unpack checks every member instead."""
    return [
        name for name, _, _ in calls(code) if name.endswith((".extractall", ".extract", "unpack_archive"))
    ]


def unsafe_images(code: str) -> list[str]:
    """Finds images that are opened as whatever they are: Pillow starts Ghostscript for one of its formats."""
    opened = (each for each in calls(code) if each[0].endswith("Image.open"))
    return [name for name, _, words in opened if "formats" not in words]


BAD: dict[Finder, list[str]] = {
    unsafe_images: ["Image.open(path)", "PIL.Image.open(io.BytesIO(data), 'r')"],
    unsafe_loads: [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "numpy.load(path, allow_pickle=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "AutoTokenizer.from_pretrained(name)",
        "getattr(transformers, kind).from_pretrained(name, dtype=precision)",
        "pandas.read_pickle(path)",
    ],
    unsafe_yaml: [
        "yaml.load(text)",
        "yaml.load(text, yaml.Loader)",
        "yaml.load(text, Loader=yaml.UnsafeLoader)",
        "yaml.full_load(text)",
        "loader = yaml.CLoader(text)",
    ],
    pickles: ["import pickle", "from joblib import load", "def late():\n    import dill.source"],
    shells: [
        "subprocess.run(command, shell=True)",
        "os.system('ls')",
        "subprocess.run(f'ls {path}')",
        "subprocess.check_output('ls ' + path)",
        "eval(text)",
    ],
    unsafe_archives: ["archive.extractall(to)", "tar.extract(member)", "shutil.unpack_archive(file)"],
}
GOOD = """
torch.load(path, map_location="cpu", weights_only=True)
AutoModel.from_pretrained(name, trust_remote_code=False)
yaml.safe_load(text)
yaml.load(text, Loader=yaml.CSafeLoader)
loader = yaml.SafeLoader(text)
subprocess.run(["ls", f"{path}"], check=True)
opened.extractfile(member)
Image.open(path, formats=("JPEG",))
"""


@pytest.mark.parametrize("finder", BAD, ids=lambda finder: finder.__name__)
def test_no_code_does_what_is_forbidden(finder: Finder) -> None:
    assert len(PYTHON) > 100
    assert {path.name: found for path in PYTHON if (found := finder(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("finder", "sample"), [(finder, text) for finder, texts in BAD.items() for text in texts]
)
def test_every_finder_finds_its_bad_samples(finder: Finder, sample: str) -> None:
    assert finder(sample) != []


@pytest.mark.parametrize("finder", BAD, ids=lambda finder: finder.__name__)
def test_every_finder_lets_good_code_pass(finder: Finder) -> None:
    assert finder(GOOD) == []


def shell_values(text: str) -> set[str]:
    """Returns what a rule file puts into its shell commands."""
    blocks = re.findall(r"^ +shell:\n((?:^ {8,}.*\n|^\n)+)", text + "\n", re.MULTILINE)
    return {value for block in blocks for value in re.findall(r"(?<!\{)\{([^{}]+)\}(?!\})", block)}


# Ids that the loader has checked, digests, paths made of ids, and options that are quoted where they are made.
SAFE_VALUES = {
    "log", "params.out", "params.verb", "params.suite", "params.generated", "resources.launch",
    "wildcards.image_set", "wildcards.llm", "wildcards.pretrained", "wildcards.run", "wildcards.table",
    "wildcards.download",
}  # fmt: skip
QUOTED = {"params.name", "params.options", "params.released"}


def test_rules_put_only_checked_or_quoted_values_into_a_shell() -> None:
    result = {path.name: shell_values(path.read_text()) for path in RULES}
    assert sum(map(len, result.values())) > 10
    assert {
        name: strange for name, values in result.items() if (strange := values - SAFE_VALUES - QUOTED)
    } == {}


def test_a_strange_value_in_a_shell_is_found() -> None:
    bad = 'rule x:\n    shell:\n        "vistok answer {config[data_root]} {params.options} {{kept}}"\n'
    assert shell_values(bad) - SAFE_VALUES - QUOTED == {"config[data_root]"}


def unquoted_roots(text: str) -> list[str]:
    """Finds f-strings of rules that put a data root behind an option without quoting it."""
    return re.findall(r"--data-root \{(?!shlex\.quote\()[^}]*\}", text)


def test_every_data_root_that_reaches_a_shell_is_quoted() -> None:
    texts = [path.read_text() for path in (*RULES, REPOSITORY / "src/vistok/workflow/config.py")]
    assert [found for text in texts for found in unquoted_roots(text)] == []
    assert sum(text.count("--data-root {shlex.quote(") for text in texts) >= 3
    assert unquoted_roots('options = f"--data-root {STUDY.scale.data_root}"') != []


def test_wildcards_are_ids() -> None:
    """A wildcard that could be anything would let a file name on the command line reach a shell."""
    text = (REPOSITORY / "workflow/rules/common.smk").read_text()
    constrained = set(re.findall(r"^    (\w+)=", text[text.index("wildcard_constraints:") :], re.MULTILINE))
    used = {name for path in RULES for name in re.findall(r"\{wildcards\.(\w+)\}", path.read_text())}
    assert used <= constrained
    (form,) = re.findall(r'^ID = "(.*)"$', text, re.MULTILINE)
    assert all(re.fullmatch(form, name) for name in load_study("mini", root=REPOSITORY).tokenizers)
    assert [name for name in HOSTILE_IDS if re.fullmatch(form, name)] == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / "workflow", tmp_path / "workflow")
    return tmp_path


@pytest.mark.parametrize("file", ["tokenizers", "llms", "recipes", "tasks", "tables", "downloads"])
@pytest.mark.parametrize("hostile", HOSTILE_IDS)
def test_a_hostile_id_in_the_grid_is_refused(checkout: Path, file: str, hostile: str) -> None:
    path = checkout / f"workflow/grid/{file}.yaml"
    entries = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**entries, hostile: next(iter(entries.values()))}))
    with pytest.raises(VistokError, match=r"an id is lower-case letters and digits, joined by '-'; found"):
        load_downloads(checkout) if file == "downloads" else load_study("mini", root=checkout)


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
def test_a_hostile_id_in_a_row_or_a_run_is_refused(checkout: Path, hostile: str) -> None:
    study = load_study("mini", root=checkout)
    for part in range(4):
        parts = ["clip", "frozen", "vicuna-7b", "seed-0"]
        parts[part] = hostile
        with pytest.raises(VistokError):
            study.run("/".join(parts))
    path = checkout / "workflow/grid/tables.yaml"
    tables = yaml.safe_load(path.read_text())
    tables["table-2"]["rows"][0]["tokenizer"] = hostile
    path.write_text(yaml.safe_dump(tables))
    with pytest.raises(VistokError, match=r"tables\.yaml, entry 'table-2'"):
        load_study("mini", root=checkout)


@pytest.mark.parametrize("hostile", ["../up", "/etc/passwd", "a/../../b", "$(id)", "a;b"])
def test_a_hostile_path_in_a_scale_is_refused(checkout: Path, hostile: str) -> None:
    path = checkout / "workflow/scales/mini.yaml"
    scale = yaml.safe_load(path.read_text())
    scale["image_sets"]["imagenet"]["images"] = hostile
    path.write_text(yaml.safe_dump(scale))
    with pytest.raises(VistokError, match=r"image_sets\.imagenet\.images"):
        load_study("mini", root=checkout)


def snakemake(root: Path, checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("snakemake")
    return subprocess.run(
        [
            str(command),
            "--cores",
            "1",
            "-n",
            "-p",
            *arguments,
            "--config",
            "scale=excerpt",
            f"data_root={root}",
        ],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What a real `snakemake -n -p` prints for a data root with every character that a shell could act on."""
    folder = tmp_path_factory.mktemp("hostile")
    root = folder / " ".join(text for text in HOSTILE_ROOTS)
    root.mkdir()
    result = snakemake(root, REPOSITORY, "results/excerpt/blind/coco-oc/metrics.json", "paper_audit")
    assert result.returncode == 0, result.stdout + result.stderr
    return root, result.stdout + result.stderr


def test_a_hostile_data_root_reaches_every_command_as_one_word(dry: tuple[Path, str]) -> None:
    root, said = dry
    commands = re.findall(r"^(?:Shell command: |        )(vistok .*)$", said, re.MULTILINE)
    naming = [command for command in commands if "--data-root" in command]
    assert len(naming) >= 2
    for command in naming:
        words = shlex.split(command)
        assert words[words.index("--data-root") + 1] == str(root)


def test_a_hostile_data_root_is_one_word_to_a_real_shell(dry: tuple[Path, str]) -> None:
    root, said = dry
    quoted = re.search(r"--data-root (.*?) (?:2>&1|--generated)", said)
    assert quoted is not None
    echoed = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {quoted[1]}"],
        cwd=root.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert echoed.stdout == f"{root}\n"
    assert [path.name for path in root.parent.iterdir()] == [root.name]
    assert not (REPOSITORY / "PWNED").exists()


def test_a_data_root_that_snakemake_would_misread_is_refused(tmp_path: Path) -> None:
    result = snakemake(tmp_path / "a{wildcard}b", REPOSITORY, "paper_audit")
    assert result.returncode == 1
    assert "has a brace in its name, which Snakemake takes for a wildcard" in result.stdout + result.stderr
