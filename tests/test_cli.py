"""The doors: every verb has help, a typo is answered in one message, and nothing heavy is imported in vain."""

import gc
import json
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from vistok.cli import main
from vistok.commands.parser import GROUPS, STEPS, TOOLS, imported, tool
from vistok.failures import sentence
from vistok.grid.schemas import FOLDER, schemas

VERBS = [*STEPS, *TOOLS]
HEAVY = "torch", "pandas", "transformers", "timm", "open_clip", "matplotlib", "pyarrow", "scipy", "sklearn"


@pytest.fixture(autouse=True)
def in_checkout(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def run(*arguments: str) -> int:
    try:
        return main([*arguments])
    except SystemExit as end:
        return int(end.code or 0)


def modules_after(code: str) -> set[str]:
    """Returns which heavy libraries a fresh Python has imported after `code`."""
    listing = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_help_names_every_verb_once_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    output = capsys.readouterr().out
    assert [verb for verb in VERBS if output.count(f"\n    {verb} ") != 1] == []
    places = [output.index(f"\n  {group}\n") for group in GROUPS]
    assert places == sorted(places)
    assert "{" not in output, "no list of all verbs besides"


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"vistok {metadata.version('vistok')}\n"


@pytest.mark.parametrize(("said", "meant"), [("oc", "counting"), ("MCI", "identification"), ("vqav2", "vqa")])
def test_a_kind_under_another_name_is_told(said: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", said, "--references", "a", "--predictions", "b") == 2
    assert f"Did you mean '{meant}'?" in capsys.readouterr().err


def test_a_wrong_option_does_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["score", "vqa", "--references", "a", "--predictions", "b", "--x\x1b[2J"])
    output = capsys.readouterr().err
    assert "unrecognized arguments: --x\\x1b[2J" in output and "\x1b" not in output


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("answr", "unknown verb 'answr'. Did you mean 'answer'? `vistok --help` lists them."),
        ("Plan", "unknown verb 'Plan'. Did you mean 'plan'?"),
        ("xyzzy\x1b", "unknown verb 'xyzzy\\x1b'. `vistok --help`"),
    ],
)
def test_a_wrong_verb_is_told_the_nearest(
    verb: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(verb) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "a verb is needed. `vistok --help` lists them."),
        (["score", "countin"], "Did you mean 'counting'?"),
        (["curate", "Counting"], "Did you mean 'counting'?"),
        (["score", "caption", "--caption-metrics", "cider"], "Did you mean 'CIDEr'?"),
        (["score", "vqa", "--predictons", "p.json"], "unknown option '--predictons'. Did you mean '--predictions'?"),
        (["tabulate", "table-2", "--scael=mini"], "unknown option '--scael'. Did you mean '--scale'?"),
        (["curate", "counting", "--instanses", "i.json"], "Did you mean '--instances'?"),
        (["tabulate", "table-2", "--xyzzy"], "unrecognized arguments: --xyzzy"),
    ],
)  # fmt: skip
def test_a_wrong_word_behind_a_verb_is_told_the_nearest(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_verbs_and_their_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("completion", shell) == 0
    script = capsys.readouterr().out
    assert [word for word in (*VERBS, "--only-answered", "--suite", "--version") if word not in script] == []
    done = subprocess.run(["bash", "-n"], input=script, text=True, check=False) if shell == "bash" else None
    assert done is None or done.returncode == 0


def test_completion_leaves_out_what_cannot_be_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(verb: str) -> object:
        if verb == "plan":
            raise ModuleNotFoundError("x", name="pydantic")
        return tool(verb)

    monkeypatch.setattr("vistok.commands.completion.tool", found)
    assert run("completion", "bash") == 0
    script = capsys.readouterr().out
    assert "--utilisation" not in script
    assert "--only-answered" in script


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(verb, "--help") == 0
    output = capsys.readouterr().out
    assert f"usage: vistok {verb}" in output
    if verb in TOOLS and verb != "export-schemas":  # which takes none
        assert output.splitlines()[0] != f"usage: vistok {verb} [-h]", "a tool's own arguments are told"


@pytest.mark.parametrize(
    "arguments",
    [
        ["answr"],
        [],
        ["--verison"],
        ["answer"],
        ["answer", "clip/frozen/vicuna-7b/seed-0"],
        ["answer", "--scael", "mini"],
        ["score", "--kind", "vqa"],
    ],
)
def test_a_wrong_command_is_told_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    output = capsys.readouterr().err
    assert "usage: vistok" in output
    assert output.count("error:") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tabulate", "tabel-2"], "unknown table 'tabel-2'. Did you mean 'table-2'?"),
        (["draw-curves", "../table-2"], "unknown table '../table-2'."),
        (["pretrain-tokenizer", "clp/seed-0"], "unknown tokenizer 'clp'. Did you mean 'clip'?"),
        (["train-llm", "vicuna"], "unknown llm 'vicuna'. Did you mean 'vicuna-7b'?"),
        (["write-shards", "coco_train"], "unknown image set 'coco_train'. Did you mean 'coco-train'?"),
        (["answer", "clip/frozen/vicuna-7b", "--suite", "gvt"], "not a run id: 'clip/frozen/vicuna-7b'."),
        (["tune-mllm", "clip/frosen/vicuna-7b/seed-0"], "unknown recipe 'frosen'. Did you mean 'frozen'?"),
        (
            ["score-run", "a;rm -rf/frozen/vicuna-7b/seed-0", "--suite", "gvt"],
            "unknown tokenizer 'a;rm -rf'.",
        ),
        (["fit-blind", "gvt", "--scale", "minni"], "unknown scale 'minni'. Did you mean 'mini'?"),
        (["fit-blind", "gvt", "--split", "tset"], "unknown split 'tset'. Did you mean 'test'?"),
        (["fit-blind", "gtv"], "unknown suite 'gtv'. Did you mean 'gvt'? Legal: "),
        (
            ["answer", "clip/frozen/vicuna-7b/seed-0", "--suite", "gtv"],
            "unknown suite 'gtv'. Did you mean 'gvt'?",
        ),
        (["make-world", "--scale", "paper"], "the scale 'paper' has no world of its own"),
        (["pretrain-tokenizer", "clip/seed-0", "--scale", "paper"], "takes 'clip' as published"),
        (["train-llm", "vicuna-7b", "--scale", "paper"], "nothing to train"),
        (
            ["fit-blind", "gvt", "--scale", "excerpt", "--data-root", "/nowhere"],
            "/nowhere of the scale 'excerpt' does not",
        ),
        (
            ["fit-blind", "gvt", "--scale", "excerpt", "--data-root", "Snakefile"],
            "'excerpt' is a file, not a folder",
        ),
    ],
)
def test_a_wrong_id_is_one_clear_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 1
    written = capsys.readouterr()
    assert written.err.startswith("vistok: ")
    assert message in written.err
    assert "Traceback" not in written.err
    assert written.out == ""


def test_outside_a_checkout_is_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("fit-blind", "gvt") == 1
    assert "start vistok in the root of its checkout" in capsys.readouterr().err


def test_ctrl_c_is_one_clear_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vistok.commands.arguments.load_study", interrupted)
    assert run("fit-blind", "gvt") == 130
    assert capsys.readouterr().err == (
        "vistok: interrupted; nothing is half-written, start the same command again.\n"
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 130)])
def test_a_signal_leaves_nothing_half_written(tmp_path: Path, number: int, status: int) -> None:
    """A verb that is staging a file when the signal comes, in a process of its own."""
    code = f"""
import signal, sys, time
from pathlib import Path
import vistok.cli
import vistok.commands.export_schemas
from vistok.files import staged_file

def slow(asked):
    with staged_file(Path({str(tmp_path / "x.txt")!r})) as partial:
        partial.write_text("half")
        print("staged", flush=True)
        time.sleep(60)

signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in the background, it is ignored
vistok.commands.export_schemas.run = slow
sys.exit(vistok.cli.main(["export-schemas"]))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "staged\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        assert process.wait(timeout=20) == status
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_comes_again_interrupts_no_clearing_up(tmp_path: Path) -> None:
    """As where a cluster, a terminal and Snakemake all tell a job to stop."""
    code = f"""
import sys, time
from pathlib import Path
import vistok.cli
import vistok.commands.export_schemas
from vistok.files import staged_folder

def slow(asked):
    with staged_folder(Path({str(tmp_path / "x")!r})) as partial:
        for number in range(5000):
            (partial / str(number)).touch()
        print("staged", flush=True)
        time.sleep(60)

vistok.commands.export_schemas.run = slow
sys.exit(vistok.cli.main(["export-schemas"]))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "staged\n"
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.002)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_fails_leaves_the_search_for_garbage_on() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        imported("vistok.nowhere")
    assert gc.isenabled()


def test_export_schemas_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("export-schemas") == 0
    assert json.loads((tmp_path / FOLDER / "tasks.json").read_text()) == schemas()["tasks"]


def test_the_doors_import_nothing_heavy() -> None:
    assert modules_after("import vistok.cli") == set()
    assert modules_after("import pyarrow") == {"pyarrow"}


def test_scoring_tabulating_and_the_grid_import_no_torch() -> None:
    rooms = "vistok.grid.load, vistok.grid.specs, vistok.grid.paths, vistok.grid.schemas, vistok.pins, vistok.sources"
    steps = ", ".join(
        f"vistok.steps.{step}" for step in ("score_run", "fit_blind", "tabulate", "draw_curves")
    )
    tools = ", ".join(f"vistok.commands.{verb}" for verb in ("score", "compare", "audit", "claims", "curate"))
    assert not modules_after(f"import {rooms}, {steps}, {tools}") & {
        "torch",
        "transformers",
        "timm",
        "open_clip",
    }


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ZeroDivisionError("division by zero"),
            "an unexpected error, ZeroDivisionError: division by zero.",
        ),
        (RecursionError(), "an unexpected error, RecursionError: no message."),
        (RuntimeError("one\nvistok: done\x1b[2J"), "an unexpected error, RuntimeError: one."),
        (
            ModuleNotFoundError("x", name="jinja2"),
            "'jinja2' is not installed, and this needs it: pip install",
        ),
        (ModuleNotFoundError("x", name="PIL.Image"), "the package 'pillow' is not installed"),
        (PermissionError(13, "Permission denied", "a\x1b"), "the system refused: a\\x1b: Permission denied."),
        (OSError(28, "No space left on device"), "the output cannot be written: No space left on device."),
    ],
)
def test_any_error_is_one_sentence_and_a_traceback_on_request(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.delenv("VISTOK_DEBUG", raising=False)
    monkeypatch.setattr("vistok.commands.export_schemas.run", fail)
    assert run("export-schemas") == 1
    output = capsys.readouterr().err
    assert output.startswith("vistok: ")
    assert message in output
    assert output.count("\n") == 1
    for arguments in (["--debug", "export-schemas"], ["export-schemas", "--debug"]):
        assert run(*arguments) == 1
        assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("VISTOK_DEBUG", "1")
    assert run("export-schemas") == 1
    assert "Traceback" in capsys.readouterr().err


REQUIRED = [
    "numpy>=2",
    "pycocoevalcap>=1.2; extra == 'captions'",
    "scikit-learn>=1.7; extra == 'audit'",
    "pydantic>=2; extra == 'audit'",
    "pydantic>=2; extra == 'study'",
    "torch>=2.11; extra == 'study'",
    "pycocoevalcap>=1.2; extra == 'study'",
    "open_clip_torch; extra == 'open-clip'",
]


@pytest.mark.parametrize(
    ("module", "extra", "said"),
    [
        ("pycocoevalcap.cider", None, "pip install 'vistok[captions]'."),
        ("sklearn", "audit", "pip install 'vistok[audit]'."),
        ("pydantic", "study", "pip install 'vistok[study]'."),
        ("pydantic", None, "pip install 'vistok[audit]'."),
        ("open_clip", "study", "pip install 'vistok[open-clip]'."),
        ("nowhere", "study", "pip install 'nowhere'."),
    ],
)
def test_a_missing_package_names_the_extra_that_the_verb_needs(
    module: str, extra: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vistok.failures.metadata.requires", lambda name: REQUIRED)
    assert sentence(ModuleNotFoundError("x", name=module), extra=extra).endswith(said)


def test_a_full_output_is_one_sentence(repository: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [Path(sys.executable).with_name("vistok"), "fetch"],
            cwd=repository, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("vistok: the output cannot be written: No space left on device.")
    assert done.stderr.count("\n") == 1
