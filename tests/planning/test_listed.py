"""The official files of a study are listed once, and refused where they changed since."""

import shutil
from pathlib import Path

import pytest

from vistok.commands import list_data
from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.planning import listed


@pytest.fixture
def study(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The excerpt scale in an empty folder, with two photographs and one file of questions."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "official"
    (root / "coco/val2017").mkdir(parents=True)
    (root / "gvtbench").mkdir()
    (root / "gvtbench/coco_oc.json").write_text("[]")
    for number in (1, 2):
        (root / f"coco/val2017/{number:012d}.jpg").touch()
    return load_study("excerpt", root=repository, data_root=str(root))


def test_a_task_reads_what_is_there(study: Study) -> None:
    assert listed.task_names(study, ["coco-oc"]) == ["coco/val2017", "gvtbench/coco_oc.json"]
    assert listed.task_names(study, ["vcr-oc"]) == []
    assert set(listed.study_names(study)) == {"coco/val2017", "gvtbench/coco_oc.json", "gvtbench"}


def test_a_world_is_one_whole(repository: Path) -> None:
    mini = load_study("mini", root=repository)
    assert listed.study_names(mini) == listed.task_names(mini, ["coco-oc"]) == [listed.WHOLE]
    assert listed.digest_list(mini, listed.WHOLE).summary == Path("data/mini.json")


def test_a_photograph_that_is_put_there_is_refused_until_it_is_listed(study: Study) -> None:
    names = listed.task_names(study, ["coco-oc"])
    for name in names:
        listed.write_list(study, name)
    listed.check_listed(study, names)
    listed.check_times(study, names)
    root = Path(study.scale.data_root)
    (root / "coco/val2017/000000000003.jpg").touch()
    for check in (listed.check_listed, listed.check_times):
        with pytest.raises(VistokError) as error:
            check(study, names)
        assert f"vistok list-data coco/val2017 --scale excerpt --data-root {root}" in str(error.value)
    listed.write_list(study, "coco/val2017")
    listed.check_listed(study, names)


def test_a_photograph_deep_below_is_seen_by_the_step_that_reads(study: Study) -> None:
    """From the folder's own time it cannot be told."""
    folder = Path(study.scale.data_root) / "vcr/vcr1images/movie"
    folder.mkdir(parents=True)
    (folder / "1.jpg").touch()
    names = listed.task_names(study, ["vcr-oc"])
    listed.write_list(study, *names)
    (folder / "2.jpg").touch()
    listed.check_times(study, names)
    with pytest.raises(VistokError, match=r"movie/2.jpg is new since its files were listed"):
        listed.check_listed(study, names)


def test_made_data_that_was_altered_is_not_listed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(repository / "data.dvc", tmp_path)
    (tmp_path / "data/smoke").mkdir(parents=True)
    (tmp_path / "data/smoke/altered").touch()
    with pytest.raises(VistokError, match=r"data.dvc pins .* Remove the folder"):
        listed.write_list(load_study("smoke", root=repository), listed.WHOLE)


def test_the_command_lists_all_or_some(
    study: Study, repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from argparse import ArgumentParser

    parser = ArgumentParser()
    list_data.add_arguments(parser)
    (Path.cwd() / "workflow").symlink_to(repository / "workflow")
    chosen = ["--scale", "excerpt", "--data-root", study.scale.data_root]
    list_data.run(parser.parse_args([*chosen]))
    assert {line.split("  ")[1] for line in capsys.readouterr().out.splitlines()} == {
        *listed.study_names(study)
    }
    list_data.run(parser.parse_args(["coco/val2017", *chosen]))
    assert len(capsys.readouterr().out.splitlines()) == 1
    with pytest.raises(VistokError, match="Did you mean 'coco/val2017'"):
        list_data.run(parser.parse_args(["coco/val2071", *chosen]))
