"""The audit finds what is wrong with the released files by itself, and nothing in files curated here."""

import gzip
import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from tests.benchmark.conftest import random_images, write_instances

from vistok.audit.benchmark_file import BenchmarkFile, generated_file, released_files
from vistok.audit.checks import file_findings, generated_findings
from vistok.audit.contents import KARPATHY_LISTS, check_version, karpathy_held_out
from vistok.audit.findings import Finding
from vistok.audit.leaks import check_leak
from vistok.audit.training_copies import TRAINING_IMAGES
from vistok.benchmark.annotations import read_annotations
from vistok.benchmark.curate import CurationTask, curate
from vistok.benchmark.questions import Rules, write_questions
from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.pages.wording import worded
from vistok.published.tables import PublishedTable, read_all_published

Tables = dict[int, PublishedTable]


@pytest.fixture(scope="module")
def tables(repository: Path) -> Tables:
    return read_all_published(repository / "paper_tables/published")


@pytest.fixture(scope="module")
def found(shared_data: Path, tables: Tables) -> dict[str, Finding]:
    findings = [
        finding
        for file in released_files(shared_data)
        for finding in file_findings(file, tables, shared_data)
    ]
    return {finding.anchor: finding for finding in findings}


@pytest.mark.parametrize(
    ("name", "images", "objects"),
    [("coco-oc", 4825, 80), ("coco-mci", 4116, 80), ("vcr-oc", 5901, 76), ("vcr-mci", 5923, 80)],
)
def test_contents(found: dict[str, Finding], name: str, images: int, objects: int) -> None:
    facts = found[f"{name}-contents"].facts
    assert (facts["questions"], facts["images"], facts["objects"]) == (10_000, images, objects)


@pytest.mark.parametrize(
    ("name", "repeated"), [("coco-oc", 0), ("coco-mci", 0), ("vcr-oc", 1726), ("vcr-mci", 354)]
)
def test_duplicates(found: dict[str, Finding], name: str, repeated: int) -> None:
    finding = found[f"{name}-duplicates"]
    assert finding.facts["duplicates"] == repeated
    assert finding.verdict == ("wrong" if repeated else "clean")


@pytest.mark.parametrize(
    ("name", "answer", "accuracy", "beaten"),
    [
        ("coco-oc", "1", 54.27, 28),
        ("vcr-oc", "1", 36.17, 27),
        ("coco-mci", "No.", 50.35, 0),
        ("vcr-mci", "Yes.", 50.42, 0),
    ],
)
def test_constant_answers(
    found: dict[str, Finding], name: str, answer: str, accuracy: float, beaten: int
) -> None:
    facts = found[f"{name}-constant"].facts
    assert (facts["answer"], facts["published cells"], facts["published cells beaten"]) == (
        answer,
        29,
        beaten,
    )
    assert facts["accuracy"] == pytest.approx(accuracy)
    assert float(facts["low"] or 0) < accuracy < float(facts["high"] or 0)


@pytest.mark.parametrize(
    ("name", "accuracy", "beaten"),
    [("coco-oc", 53.9, 28), ("vcr-oc", 47.5, 29), ("coco-mci", 65.6, 1), ("vcr-mci", 85.5, 29)],
)
def test_object_priors(found: dict[str, Finding], name: str, accuracy: float, beaten: int) -> None:
    finding = found[f"{name}-object-prior"]
    assert finding.facts["accuracy"] == pytest.approx(accuracy, abs=1.0)
    assert (finding.verdict, finding.facts["published cells beaten"]) == ("doubtful", beaten)


def test_the_wording_of_vcr_mci_tells_the_answer(found: dict[str, Finding]) -> None:
    finding = found["vcr-mci-label-leak"]
    assert (finding.verdict, finding.facts["accuracy"]) == ("wrong", 100.0)
    words = {row["words"]: (row["answer"], row["questions"]) for row in finding.rows}
    assert words["exis"] == ("No.", 4958)
    assert words["exist"] == ("Yes.", 5042)


@pytest.mark.parametrize("name", ["coco-oc", "coco-mci", "vcr-oc"])
def test_the_wording_of_the_other_files_tells_nothing(found: dict[str, Finding], name: str) -> None:
    assert (found[f"{name}-label-leak"].verdict, found[f"{name}-label-leak"].facts["wordings"]) == (
        "clean",
        1,
    )


def test_held_out_images_are_read_as_curation_reads_them(tmp_path: Path) -> None:
    assert karpathy_held_out(tmp_path) is None
    packed = gzip.compress(b"val2014/COCO_val2014_000000000042.jpg 42\n")
    for name in KARPATHY_LISTS:
        (tmp_path / name).write_bytes(packed)
    assert karpathy_held_out(tmp_path) == {42}
    (tmp_path / KARPATHY_LISTS[1]).write_bytes(packed[:-9])
    with pytest.raises(VistokError, match=rf"{KARPATHY_LISTS[1]} \(image list\) is not a whole gzip file"):
        karpathy_held_out(tmp_path)


@pytest.mark.parametrize(
    ("name", "shared", "held_out", "questions"),
    [("coco-oc", 3665, 1160, 2414), ("coco-mci", 3153, 963, 2396)],
)
def test_images_of_the_training_split(
    found: dict[str, Finding], name: str, shared: int, held_out: int, questions: int
) -> None:
    facts = found[f"{name}-training-overlap"].facts
    assert (facts["in the training split"], facts["held out"]) == (shared, held_out)
    assert facts["questions on held-out images"] == questions


def test_the_version_of_coco_oc_is_recognised(found: dict[str, Finding]) -> None:
    finding = found["coco-oc-versions"]
    assert finding.facts["version"] == "GVTBench/coco_oc.json"
    assert worded(finding).title == (
        "Two different files are released as coco_oc.json; coco_oc.json here is the official GVTBench/coco_oc.json"
    )
    assert [row["answer '1', per cent"] for row in finding.rows] == [54.27, 85.48]


def test_a_second_coco_oc_file_is_audited_beside_the_first(shared_data: Path, tmp_path: Path) -> None:
    records = json.loads((shared_data / "gvtbench/coco_oc.json").read_text())
    for name, kept in (("coco_oc.json", records), ("GVTBench/coco_oc.json", records[:500])):
        path = tmp_path / "gvtbench" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept))
    versions = [check_version(file) for file in released_files(tmp_path)]
    assert [version and version.facts["version"] for version in versions] == ["GVTBench/coco_oc.json", None]
    assert [version and version.anchor for version in versions] == [
        "coco-oc-versions",
        "gvtbench-coco-oc-versions",
    ]


def test_images_that_visual_genome_describes_are_counted(
    shared_data: Path, tmp_path: Path, tables: Tables
) -> None:
    released = {file.name: file for file in released_files(shared_data)}
    records = json.loads((shared_data / "gvtbench/coco_oc.json").read_text())
    described = sorted({row["image_id"] for row in records})[:7]
    path = tmp_path / "visual_genome/image_data.json"
    path.parent.mkdir()
    rows = [{"image_id": index, "coco_id": image} for index, image in enumerate([*described, 5, None])]
    path.write_text(json.dumps(rows))
    result = {
        finding.anchor: finding
        for name in ("coco_oc.json", "vcr_oc.json")
        for finding in file_findings(released[name], tables, tmp_path)
    }
    assert "vcr-oc-visual-genome" not in result
    finding = result["coco-oc-visual-genome"]
    asked = sum(row["image_id"] in described for row in records)
    assert (finding.verdict, finding.facts["in Visual Genome"]) == ("doubtful", 7)
    assert finding.facts["questions about them"] == asked
    assert worded(finding).title == "coco_oc.json: 7 of its 4,825 images are in Visual Genome"
    assert worded(finding).meaning.endswith(f"read descriptions of the photographs of {asked} questions.")


@pytest.mark.parametrize("name", ["vcr-oc", "vcr-mci"])
def test_a_question_is_counted_as_often_as_it_stands_there(
    found: dict[str, Finding], shared_data: Path, name: str
) -> None:
    path = shared_data / f"gvtbench/{name.replace('-', '_')}.json"
    asked = Counter((row["image_id"], row["text_in"]) for row in json.loads(path.read_text()))
    assert f"some counted up to {max(asked.values())} times" in worded(found[f"{name}-duplicates"]).meaning


@pytest.mark.parametrize(
    ("name", "checked"), [("coco-oc", 146), ("coco-mci", 186), ("vcr-oc", 1), ("vcr-mci", 2)]
)
def test_answers_agree_with_the_annotations(found: dict[str, Finding], name: str, checked: int) -> None:
    facts = found[f"{name}-annotations"].facts
    assert (facts["answers agree"], facts["n_obj_exist agree"], facts["checked"]) == (checked,) * 3


def curated(folder: Path, task: CurationTask, rules: Rules) -> Path:
    """Writes a benchmark file of a made-up world to `folder`/gvtbench."""
    instances = write_instances(folder / "instances.json", random_images(400))
    path = folder / f"gvtbench/coco_{task}.json"
    write_questions(path, curate(task, read_annotations(instances), rules=rules, questions=600))
    return path


@pytest.mark.parametrize("task", ["counting", "identification"])
def test_what_is_curated_by_the_corrected_rules_comes_out_clean(
    tmp_path: Path, tables: Tables, task: CurationTask
) -> None:
    findings = generated_findings(curated(tmp_path, task, "corrected"), tables)
    assert [(finding.anchor, finding.verdict) for finding in findings if finding.verdict != "clean"] == []
    assert len(findings) == 5
    assert {finding.group for finding in findings} == {"ours"}


def test_what_is_curated_by_the_released_rules_does_not(tmp_path: Path, tables: Tables) -> None:
    findings = generated_findings(curated(tmp_path, "counting", "released"), tables)
    assert "doubtful" in {finding.verdict for finding in findings}


@pytest.mark.parametrize(("images", "verdict"), [([1, 2], "wrong"), ([9001], "clean")])
def test_training_images_beside_a_file_of_ours_are_compared(
    tmp_path: Path, tables: Tables, images: list[int], verdict: str
) -> None:
    path = curated(tmp_path, "identification", "corrected")
    captions = tmp_path / "coco/annotations/captions_train2017.json"
    captions.parent.mkdir(parents=True)
    captions.write_text(json.dumps({"images": [{"id": image} for image in images], "annotations": []}))
    result = {finding.anchor: finding for finding in generated_findings(path, tables)}
    finding = result[f"{generated_file(path).anchor}-training-overlap"]
    assert finding.verdict == verdict
    assert (worded(finding).meaning == "No image was trained on.") == (verdict == "clean")


def with_photographs(path: Path) -> BenchmarkFile:
    """Writes a photograph of its own for every image of a file of ours, and training images, one in a tar."""
    root, file = path.parent.parent, generated_file(path)
    for folder in ("coco/val2017", "coco/train2017", "lvd", "web"):
        (root / folder).mkdir(parents=True)
    for image in set(file.images):
        (root / f"coco/val2017/{image:012d}.jpg").write_bytes(f"photograph {image}".encode())
    (root / "coco/train2017/000000000001.jpg").write_bytes(b"a training photograph of the same number")
    return file


def copied(root: Path, image: int | str, folder: str) -> None:
    """Puts a copy of a benchmark's photograph into a training set, under another name."""
    photograph = (root / f"coco/val2017/{image:012d}.jpg").read_bytes()
    with tarfile.open(root / folder / "00000.tar", "w") as archive:
        member = tarfile.TarInfo("000123.jpg")
        member.size = len(photograph)
        archive.addfile(member, io.BytesIO(photograph))


@pytest.mark.parametrize(
    ("copies", "folder", "verdict"), [(0, "web", "clean"), (1, "web", "wrong"), (1, "lvd", "wrong")]
)
def test_a_photograph_that_was_trained_on_is_found_under_any_name(
    tmp_path: Path, tables: Tables, copies: int, folder: str, verdict: str
) -> None:
    path = curated(tmp_path, "identification", "corrected")
    file = with_photographs(path)
    if copies:
        copied(path.parent.parent, file.images[0], folder)
    result = {finding.anchor: finding for finding in generated_findings(path, tables)}
    finding = result[f"{file.anchor}-training-copies"]
    assert (finding.verdict, finding.facts["in a training set"]) == (verdict, copies)
    assert [row["image"] for row in finding.rows] == file.images[:1] * copies
    assert f": {copies} of its " in worded(finding).title


def test_every_image_set_that_mini_trains_on_is_searched_for_copies(repository: Path) -> None:
    trained_on = {entry.images for entry in load_study("mini", root=repository).scale.image_sets.values()}
    assert trained_on == set(TRAINING_IMAGES)


@pytest.mark.parametrize(
    "wording",
    [
        "Does {} existt in the image?",
        "Does {} exist in this image?",
        "Does {} exist in the image ?",
        "Does {} exist in the image.",
        "Does {} exist in  the image?",
    ],
)
def test_a_planted_leak_is_found(tmp_path: Path, wording: str) -> None:
    path = curated(tmp_path, "identification", "corrected")
    records = json.loads(path.read_text())
    for record in records:
        if record["text_out"] == "Yes.":
            name = record["text_in"].removeprefix("Does ").removesuffix(" exist in the image?")
            record["text_in"] = wording.format(name)
    path.write_text(json.dumps(records))
    finding = check_leak(generated_file(path))
    assert finding
    assert (finding.verdict, finding.facts["accuracy"]) == ("wrong", 100.0)
    assert finding.rows[0]["words"] in ("existt", "exist", "this", "the", " ?", " image?", " image.", "  ")


def test_a_leak_in_a_few_questions_is_left_to_the_reader(tmp_path: Path) -> None:
    path = curated(tmp_path, "identification", "corrected")
    records = json.loads(path.read_text())
    records[0]["text_in"] = records[0]["text_in"].replace("the image", "this image")
    path.write_text(json.dumps(records))
    finding = check_leak(generated_file(path))
    assert finding
    assert (finding.verdict, finding.facts["wordings"]) == ("clean", 2)


def test_rare_answers_of_one_image_are_no_reason_to_break_off(tmp_path: Path, tables: Tables) -> None:
    """All of an answer in one fold: no classifier can be fitted on the others."""
    rows = [(image, "Does cat exist in the image?", "Yes.") for image in range(100)]
    rows += [(1000, "Does cat exis in the image?", "No.")] * 20
    path = asked(tmp_path, rows)
    result = {finding.anchor: finding for finding in generated_findings(path, tables)}
    assert result[f"{generated_file(path).anchor}-label-leak"].verdict == "clean"


def test_a_file_about_one_image_is_audited_as_far_as_it_can_be(tmp_path: Path, tables: Tables) -> None:
    path = asked(tmp_path, [(1, f"Does {name} exist in the image?", "No.") for name in ("cat", "dog")])
    anchors = {finding.anchor for finding in generated_findings(path, tables)}
    assert {anchor.rpartition("-")[2] for anchor in anchors} == {"contents", "duplicates", "constant"}


def test_a_file_without_questions_is_refused(tmp_path: Path, tables: Tables) -> None:
    with pytest.raises(VistokError, match=r"coco_mci\.json holds no question"):
        generated_findings(asked(tmp_path, []), tables)


def asked(folder: Path, rows: list[tuple[int, str, str]]) -> Path:
    """Writes a benchmark file of questions that are given."""
    keys = ("image_id", "text_in", "text_out")
    path = folder / "coco_mci.json"
    path.write_text(json.dumps([dict(zip(keys, row, strict=True)) | {"n_obj_exist": 3} for row in rows]))
    return path


def test_a_file_of_ours_is_called_by_its_scale() -> None:
    file = BenchmarkFile("mini/coco_oc.json", "ours", None, ())
    assert file.anchor == "mini-coco-oc"
