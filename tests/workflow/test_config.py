"""The configuration names a study, and the study's commands name it again."""

import shlex
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.workflow.config import check_checkout, model_options, open_study, options


def test_the_study_is_the_one_that_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    study = open_study({"scale": "smoke", "split": "dev", "data_root": None, "seeds": 1})
    assert (study.scale.id, study.split) == ("smoke", "dev")
    assert options(study, None) == "--scale smoke --split dev"
    thrice = open_study({"scale": "smoke", "split": "dev", "data_root": None, "seeds": 3})
    assert options(thrice, None) == "--scale smoke --split dev --seeds 3"
    assert model_options(thrice, None) == "--scale smoke", "a checkpoint is of its own seed"


@pytest.mark.parametrize("key", ["scale", "split", "data_root", "seeds"])
def test_an_unset_variable_is_no_default(repository: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Snakemake reads `--config data_root=$UNSET` as a null, which is the default too."""
    monkeypatch.chdir(repository)
    config = {"scale": "excerpt", "split": "test", "data_root": None, "seeds": 1}
    with pytest.raises(VistokError, match=f"--config {key}= names nothing"):
        open_study({**config, key: None}, {key: None})


@pytest.mark.parametrize("given", ["", "  ", 1000.0, 2017, ["a", "b"], False])
def test_a_data_root_that_names_no_folder_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch, given: object
) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(VistokError, match="names no folder: a text is needed"):
        open_study({"scale": "excerpt", "split": "test", "data_root": given, "seeds": 1})


def test_a_data_root_is_one_word_of_a_command(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    root = "my data; $(rm x)"
    study = open_study({"scale": "excerpt", "split": "test", "data_root": root, "seeds": 1})
    assert shlex.split(options(study, root))[-2:] == ["--data-root", root]


@pytest.mark.parametrize(
    ("scale", "expected"), [("paper", "--scale paper --data-root elsewhere"), ("excerpt", "--scale mini")]
)
def test_models_are_trained_on_the_given_files_where_they_are_their_scales_own(
    repository: Path, monkeypatch: pytest.MonkeyPatch, scale: str, expected: str
) -> None:
    monkeypatch.chdir(repository)
    study = open_study({"scale": scale, "split": "test", "data_root": "elsewhere", "seeds": 1})
    assert model_options(study, "elsewhere") == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scal": "mini"}, "unknown config key 'scal'. Did you mean 'scale'?"),
        ({"scale": "smok"}, "unknown scale 'smok'. Did you mean 'smoke'?"),
        ({"seeds": "three"}, "seeds='three': how often each row is trained is a whole number from 1 to 100"),
        ({"scale": "excerpt", "data_root": "a{b"}, "has a brace in its name"),
    ],
)
def test_a_wrong_value_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], message: str
) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(VistokError) as error:
        open_study({"scale": "mini", "split": "test", "data_root": None, "seeds": 1, **change})
    assert message in str(error.value)


def test_another_checkout_is_refused(repository: Path, tmp_path: Path) -> None:
    check_checkout(repository)
    with pytest.raises(VistokError, match="not that of this checkout"):
        check_checkout(tmp_path)
