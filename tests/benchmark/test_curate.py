"""`vistok curate` writes files that agree with their annotations, the same bytes each time."""

import argparse
import json
from itertools import chain
from pathlib import Path

import pytest
from tests.benchmark.conftest import write_instances

from vistok.benchmark.annotations import read_annotations
from vistok.commands import curate
from vistok.datasets.gvtbench import read_object_questions
from vistok.errors import VistokError


def vistok_curate(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    curate.add_arguments(parser)
    return curate.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.mark.parametrize("task", ["counting", "identification"])
@pytest.mark.parametrize("rules", ["released", "corrected"])
def test_what_is_curated_agrees_with_its_annotations(
    many_instances: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str, rules: str
) -> None:
    out = tmp_path / "made.json"
    options = ("--instances", many_instances, "--rules", rules, "--questions", 120)
    assert vistok_curate(task, *options, "--out", out) == 0
    assert f"120 {task} questions about" in capsys.readouterr().out
    assert vistok_curate("check", out, "--instances", many_instances) == 0
    assert capsys.readouterr().out.startswith("answers agree 120/120, n_obj_exist 120/120\n0 questions")


def test_what_is_curated_where_counts_differ_agrees_with_its_annotations(
    many_instances: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made.json"
    assert vistok_curate("counting", "--instances", many_instances, "--rules", "differ", "--out", out) == 0
    assert vistok_curate("check", out, "--instances", many_instances) == 0
    assert read_object_questions(out, "counting")
    with pytest.raises(
        VistokError, match=r"identification questions have no .differ. rules\. Legal: released, corr"
    ):
        vistok_curate("identification", "--instances", many_instances, "--rules", "differ", "--out", out)


def test_the_same_command_gives_the_same_bytes(many_instances: Path, tmp_path: Path) -> None:
    options = ("counting", "--instances", many_instances, "--questions", 60)
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        vistok_curate(*options, "--seed", seed, "--out", tmp_path / name)
    first, second, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == second != other


def test_lists_restrict_and_exclude_images(many_instances: Path, tmp_path: Path) -> None:
    keep, leave_out, out = tmp_path / "keep.txt", tmp_path / "out.txt", tmp_path / "made.json"
    keep.write_text("\n".join(map(str, range(1, 300))))
    leave_out.write_text("\n".join(map(str, range(1, 100))))
    vistok_curate(
        "identification",
        "--instances",
        many_instances,
        "--images",
        keep,
        "--exclude-images",
        leave_out,
        "--out",
        out,
    )
    images = {question.image_id for question in read_object_questions(out)}
    assert images <= set(range(100, 300))
    assert len(images) > 150


def test_listed_images_that_are_not_annotated_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instances = write_instances(tmp_path / "i.json", [{"person": 1}, {"knife": 1}])
    keep, leave_out = tmp_path / "keep.txt", tmp_path / "out.txt"
    keep.write_text("1\n2\n7\n8\n7\n")
    leave_out.write_text("9\n")
    lists = ("--images", keep, "--exclude-images", leave_out)
    vistok_curate("identification", "--instances", instances, *lists, "--out", tmp_path / "made.json")
    output = capsys.readouterr().out
    assert (
        f"--images: 2 of 4 listed images are not annotated in {instances} and were passed over (first: 7)"
        in output
    )
    assert "--exclude-images: 1 of 1 listed images are not annotated" in output


def test_a_list_that_names_an_odd_image_steers_no_terminal(
    tmp_path: Path, vcr_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = tmp_path / "keep.txt"
    names = [image.image_id for image in read_annotations(vcr_folder).images]
    keep.write_text("\n".join(["a\x1b]0;x\x07\x1b[2J.jpg", *map(str, names)]))
    made = ("--images", keep, "--questions", 1, "--rules", "released", "--out", tmp_path / "made.json")
    vistok_curate("counting", "--instances", vcr_folder, *made)
    output = capsys.readouterr().out
    assert "(first: a\\x1b]0;x\\x07\\x1b[2J.jpg)" in output and "\x1b" not in output


def test_nothing_is_said_to_be_absent_that_nobody_looked_for(tmp_path: Path) -> None:
    path = write_instances(tmp_path / "i.json", [{"person": 1}, {"knife": 1}, {"skis": 1}])
    value = json.loads(path.read_text())
    for image, absent in zip(value["images"], ([3], [4], []), strict=True):
        image |= {"neg_category_ids": absent, "not_exhaustive_category_ids": []}
    path.write_text(json.dumps(value))
    for rules in ("corrected", "released"):
        vistok_curate(
            "identification", "--instances", path, "--rules", rules, "--out", tmp_path / "made.json"
        )
        made = read_object_questions(tmp_path / "made.json")
        no = {(question.image_id, question.object_name) for question in made if question.answer == "No."}
        assert no == {(1, "knife"), (2, "person")}
    assert vistok_curate("check", tmp_path / "made.json", "--instances", path) == 0


def test_a_question_that_federated_annotations_cannot_answer_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_instances(tmp_path / "i.json", [{"person": 1}])
    row = {"image_id": 1, "text_in": "Does knife exist in the image?", "text_out": "No.", "n_obj_exist": 1}
    (tmp_path / "q.json").write_text(json.dumps([row]))
    assert vistok_curate("check", tmp_path / "q.json", "--instances", path) == 0
    value = json.loads(path.read_text())
    value["images"][0]["neg_category_ids"] = [4]
    path.write_text(json.dumps(value))
    assert vistok_curate("check", tmp_path / "q.json", "--instances", path) == 1
    assert "asks about 'knife', and the annotations do not say whether one is" in capsys.readouterr().out


def test_the_karpathy_lists_keep_the_training_split_out(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = [shared_data / f"coco/karpathy/karpathy_{split}_images.txt.gz" for split in ("val", "test")]
    instances, out = shared_data / "coco/annotations/instances_val2017.json", tmp_path / "made.json"
    vistok_curate("identification", "--instances", instances, "--images", *lists, "--out", out)
    assert "captioners" not in capsys.readouterr().out
    held_out = {image for path in lists for image in curate.read_image_list(path, "coco")}
    images = {question.image_id for question in read_object_questions(out)}
    assert images
    assert images <= held_out


def test_real_vcr_metadata_is_curated_with_its_vocabulary(shared_data: Path, tmp_path: Path) -> None:
    out, vcr = tmp_path / "made.json", shared_data / "vcr"
    vistok_curate(
        "identification", "--instances", vcr / "vcr1images", "--categories", vcr / "cocoontology.json",
        "--images", vcr / "val_excerpt.jsonl", "--rules", "released", "--out", out,
    )  # fmt: skip
    questions = read_object_questions(out)
    assert {q.object_name for q in questions if q.answer == "Yes."} == {
        "people",
        "cars",
        "cellphones",
        "clocks",
    }
    assert len(questions) == 8


def test_fewer_questions_than_asked_for_are_told(
    many_instances: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vistok_curate("counting", "--instances", many_instances, "--out", tmp_path / "made.json")
    output = capsys.readouterr().out
    assert "(10000 asked: the annotations allow no more)" in output
    assert (
        "Images that captioners are trained on may be among them: --images with the lists of Karpathy's"
        in output
    )


def test_what_cannot_be_balanced_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    instances = write_instances(tmp_path / "i.json", [{"cross": count} for count in (1, 2, 3, 4) * 3])
    vistok_curate("counting", "--instances", instances, "--questions=10", "--out", tmp_path / "made.json")
    assert "8 counting questions (10 asked: no more can be balanced)" in capsys.readouterr().out


def test_an_odd_number_of_pairs_is_told(
    many_instances: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--instances", many_instances, "--questions=3", "--out", tmp_path / "made.json")
    vistok_curate("identification", *options)
    assert "2 identification questions (3 asked: Yes and No come in pairs)" in capsys.readouterr().out


def test_a_folder_in_the_place_of_the_file_is_refused_before_work(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match=r"cannot write .*: Is a directory.* name another path"):
        vistok_curate("counting", "--instances", tmp_path / "absent.json", "--out", tmp_path)


@pytest.mark.parametrize("read", ["--instances", "--images"])
def test_what_is_read_is_not_overwritten(many_instances: Path, tmp_path: Path, read: str) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("1\n2\n")
    given = {"--instances": many_instances, "--images": listed}
    before = given[read].read_bytes()
    with pytest.raises(VistokError, match="another file of the same command is there"):
        vistok_curate("counting", *chain.from_iterable(given.items()), "--out", given[read])
    assert given[read].read_bytes() == before


def test_a_vocabulary_is_vcrs_and_is_not_overwritten(many_instances: Path, tmp_path: Path) -> None:
    vocabulary = tmp_path / "names.txt"
    vocabulary.write_text("dog\n")
    given = ("--instances", many_instances, "--categories", vocabulary)
    with pytest.raises(VistokError, match="another file of the same command is there"):
        vistok_curate("counting", *given, "--out", vocabulary)
    with pytest.raises(VistokError, match=r"is VCR's vocabulary, and .* is no folder of VCR metadata"):
        vistok_curate("counting", *given, "--out", tmp_path / "made.json")


def test_a_seed_below_zero_is_refused(many_instances: Path, tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="--seed -1: a whole number from 0 on"):
        vistok_curate("counting", "--instances", many_instances, "--seed=-1", "--out", tmp_path / "made.json")


def test_rules_that_leave_nothing_are_told_from_lists(many_instances: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "list.txt", tmp_path / "x.json"
    path.write_text("1")
    for task, message in (
        (
            "counting",
            r"of 1 images by the corrected rules\. Needed is an object .* in four different numbers",
        ),
        (
            "identification",
            r"of 1 images by the corrected rules\. Needed is an object that is in some of the images",
        ),
    ):
        with pytest.raises(VistokError, match=message):
            vistok_curate(task, "--instances", many_instances, "--images", path, "--out", out)


@pytest.mark.parametrize(
    ("task", "rules", "questions", "least"),
    [
        ("counting", "corrected", -5, 4),
        ("counting", "corrected", 3, 4),
        ("counting", "released", 0, 1),
        ("identification", "released", 0, 1),
        ("identification", "corrected", 1, 2),
    ],
)
def test_too_few_questions_are_refused(
    many_instances: Path, tmp_path: Path, task: str, rules: str, questions: int, least: int
) -> None:
    options = ("--instances", many_instances, "--rules", rules, "--out", tmp_path / "x.json")
    with pytest.raises(VistokError, match=f"{questions} {task} questions .* ask for at least {least}"):
        vistok_curate(task, *options, f"--questions={questions}")
    assert not (tmp_path / "x.json").exists()
    vistok_curate(task, *options, f"--questions={least}")
    assert len(read_object_questions(tmp_path / "x.json")) == least


def test_lists_that_leave_nothing_are_refused(many_instances: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("99999")
    with pytest.raises(VistokError, match=r"leave 0 of 400 annotated images"):
        vistok_curate(
            "counting", "--instances", many_instances, "--images", path, "--out", tmp_path / "x.json"
        )
    assert not (tmp_path / "x.json").exists()
