import hashlib
import io
import json
import os
import signal
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import active_children, get_context
from pathlib import Path

import pytest
from PIL import Image

from vistok.datasets.coco import read_captions, read_instances
from vistok.datasets.vcr import read_metadata
from vistok.datasets.vqa import read_annotations, read_questions
from vistok.errors import VistokError
from vistok.reading import read_jsonl
from vistok.world.catalog import BY_NAME, CATEGORY_NAMES
from vistok.world.grounds import cell_backgrounds
from vistok.world.world import WorldSizes, make_world, sample_scenes

COCO = ("train", "dev", "val")


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("processes", [1, 2])
def test_the_same_seed_gives_the_same_bytes(
    small_world: Path, small_sizes: WorldSizes, tmp_path: Path, processes: int
) -> None:
    make_world(small_sizes, tmp_path / "again", processes=processes)
    assert digests(tmp_path / "again") == digests(small_world)


def test_an_error_in_one_of_several_processes_leaves_nothing(
    small_sizes: WorldSizes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise VistokError("the disk is full")

    monkeypatch.setattr("vistok.world.world.write_web", full)
    with pytest.raises(VistokError, match="the disk is full"):
        make_world(small_sizes, tmp_path / "world", processes=2)
    assert not [*tmp_path.iterdir()]
    assert not active_children()


def test_a_killed_process_is_told(
    small_sizes: WorldSizes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vistok.world.world.write_web", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(VistokError, match="was killed, perhaps because memory ran out"):
        make_world(small_sizes, tmp_path / "world", processes=2)
    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="only Linux tells here which processes run")
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_they_were_forked_from(
    small_sizes: WorldSizes, tmp_path: Path, stop: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = tmp_path / "began"

    def write_forever(*_: object) -> None:
        began.write_text(f"{os.getpid()}\n")
        time.sleep(99)

    def make() -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        make_world(small_sizes, tmp_path / "world", processes=2)

    monkeypatch.setattr("vistok.world.world.write_web", write_forever)
    parent = get_context("fork").Process(target=make)
    parent.start()
    _wait_until(lambda: began.is_file() and began.read_text().endswith("\n"))
    os.kill(parent.pid or 0, stop)
    parent.join(20)
    assert parent.exitcode
    _wait_until(lambda: not _runs(int(began.read_text())))


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_another_seed_gives_other_bytes(small_world: Path, small_sizes: WorldSizes, tmp_path: Path) -> None:
    make_world(replace(small_sizes, seed=8), tmp_path / "other")
    ours, theirs = digests(small_world), digests(tmp_path / "other")
    same = {name for name in ours.keys() & theirs.keys() if ours[name] == theirs[name]}
    assert same <= {"imagenet/LOC_synset_mapping.txt", "vcr/cocoontology.json"}


def test_a_longer_part_leaves_the_others_alone(small_sizes: WorldSizes) -> None:
    scenes, longer = sample_scenes(small_sizes), sample_scenes(replace(small_sizes, web=60, coco_train=50))
    assert longer.coco["val"] == scenes.coco["val"]
    assert longer.vcr == scenes.vcr
    assert longer.web[: small_sizes.web] == scenes.web


def test_splits_share_no_scene(small_sizes: WorldSizes) -> None:
    """One dev or val scene in a hundred would also be drawn for training by chance: enough to show here."""
    scenes = sample_scenes(replace(small_sizes, coco_train=2000, coco_val=500, vcr_dev=300, web=1000))
    training = [*scenes.coco["train"], *scenes.objects365, *scenes.imagenet, *scenes.lvd, *scenes.web]
    splits = [
        {scene.signature for scene in split}
        for split in (
            training,
            scenes.coco["dev"] + scenes.vcr["dev"],
            scenes.coco["val"] + scenes.vcr["val"],
        )
    ]
    assert not splits[0] & splits[1]
    assert not splits[0] & splits[2]
    assert not splits[1] & splits[2]


@pytest.mark.parametrize("name", COCO)
def test_instances_are_the_scenes(small_world: Path, small_sizes: WorldSizes, name: str) -> None:
    instances = read_instances(small_world / f"coco/annotations/instances_{name}2017.json")
    scenes = sample_scenes(small_sizes).coco[name]
    assert instances.categories == CATEGORY_NAMES
    assert len(instances.images) == len(scenes)
    for scene, (image_id, image), objects in zip(
        scenes, instances.images.items(), instances.objects.values(), strict=True
    ):
        assert image.file_name == f"{image_id:012d}.jpg"
        with Image.open(small_world / f"coco/{name}2017" / image.file_name) as picture:
            assert picture.size == (image.width, image.height) == (48, 48)
        counts = Counter(found.category for found in objects if not found.crowd)
        assert counts == {group.category: group.count for group in scene.groups}
        crowds = [found.category for found in objects if found.crowd]
        assert crowds == ([scene.crowd.category] if scene.crowd else [])


def test_image_and_annotation_ids_are_unique(small_world: Path) -> None:
    files = [small_world / f"coco/annotations/instances_{name}2017.json" for name in COCO]
    files.append(small_world / "objects365/annotations/zhiyuan_objv2_train.json")
    values = [json.loads(file.read_text()) for file in files]
    for key in ("images", "annotations"):
        ids = [row["id"] for value in values for row in value[key]]
        assert len(set(ids)) == len(ids)


def test_annotations_have_every_official_field(small_world: Path, shared_data: Path) -> None:
    def keys(file: Path, part: str) -> set[str]:
        return set(json.loads(file.read_text())[part][0])

    name = "annotations/instances_val2017.json"
    ours = keys(small_world / "coco" / name, "annotations")
    assert ours == keys(shared_data / "coco" / name, "annotations") | {"attributes"}
    assert keys(small_world / "coco" / name, "categories") == keys(shared_data / "coco" / name, "categories")
    name = "annotations/captions_val2017.json"
    assert keys(small_world / "coco" / name, "annotations") == keys(
        shared_data / "coco" / name, "annotations"
    )


@pytest.mark.parametrize("name", COCO)
def test_each_image_has_five_captions(small_world: Path, name: str) -> None:
    captions = read_captions(small_world / f"coco/annotations/captions_{name}2017.json")
    assert {len(texts) for texts in captions.captions.values()} == {5}
    assert set(captions.file_names) == set(captions.captions)


@pytest.mark.parametrize("name", COCO)
def test_vqa_files_pair_up(small_world: Path, name: str) -> None:
    questions = read_questions(small_world / f"vqa/v2_OpenEnded_mscoco_{name}2014_questions.json")
    annotations = read_annotations(small_world / f"vqa/v2_mscoco_{name}2014_annotations.json")
    images = read_instances(small_world / f"coco/annotations/instances_{name}2017.json").images
    assert [q.question_id for q in questions] == [a.question_id for a in annotations]
    assert {q.image_id for q in questions} <= set(images)
    assert len(questions) > len(images)
    for question, annotation in zip(questions, annotations, strict=True):
        assert question.question_id // 1000 == question.image_id == annotation.image_id
        assert question.question.startswith(annotation.question_type)
        assert len(annotation.answers) == 10
        assert Counter(annotation.answers).most_common(1)[0][0] == annotation.multiple_choice_answer


@pytest.mark.parametrize("name", ["dev", "val"])
def test_vcr_frames_have_their_detections(small_world: Path, small_sizes: WorldSizes, name: str) -> None:
    rows = read_jsonl(small_world / f"vcr/{name}.jsonl", what="VCR index")
    scenes = sample_scenes(small_sizes).vcr[name]
    images = small_world / "vcr" / "vcr1images"
    for row, scene in zip(rows, scenes, strict=True):
        metadata = read_metadata(images / row["metadata_fn"])
        assert list(metadata.names) == row["objects"]
        assert Counter(metadata.names) == {
            BY_NAME[group.category].compact: group.count for group in scene.groups
        }
        assert [box[:4] for box in metadata.boxes] == [box for group in scene.groups for box in group.boxes()]
        assert all(0.7 <= box[4] < 1 for box in metadata.boxes)
        assert row["img_fn"].startswith(("lsmdc_", "movieclips_"))
        with Image.open(images / row["img_fn"]) as picture:
            assert picture.size == (metadata.width, metadata.height)


def test_vcr_rows_have_the_real_fields(small_world: Path, shared_data: Path) -> None:
    (real, *_) = read_jsonl(shared_data / "vcr" / "val_excerpt.jsonl", what="VCR excerpt")
    (ours, *_) = read_jsonl(small_world / "vcr" / "val.jsonl", what="VCR index")
    assert set(ours) <= set(real)


def test_imagenet_folders_are_labelled_evenly(small_world: Path) -> None:
    folder = small_world / "imagenet"
    lines = (folder / "LOC_synset_mapping.txt").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == list(CATEGORY_NAMES)
    for line in lines:
        synset = line.split(" ", 1)[0]
        files = sorted((folder / "train" / synset).iterdir())
        assert len(files) == 3
        assert all(file.name.startswith(f"{synset}_") and file.suffix == ".JPEG" for file in files)


def test_attributes_tell_what_is_drawn(small_world: Path, small_sizes: WorldSizes) -> None:
    scenes = sample_scenes(small_sizes)
    written = json.loads((small_world / "coco/annotations/instances_val2017.json").read_text())
    for scene, image in zip(scenes.coco["val"], written["images"], strict=True):
        told = image["attributes"]
        assert told == {"background": scene.background, "backgrounds": list(cell_backgrounds(scene))}
        objects = [row for row in written["annotations"] if row["image_id"] == image["id"]]
        expected = [
            {"color": group.color, "size": group.size} for group in scene.groups for _ in group.objects
        ]
        if scene.crowd:
            expected.append({"color": scene.crowd.color, "size": "tiny"})
        assert [row["attributes"] for row in objects] == expected
    (row, *_) = read_jsonl(small_world / "vcr/val.jsonl", what="VCR index")
    frame = json.loads((small_world / "vcr/vcr1images" / row["metadata_fn"]).read_text())
    assert len(frame["attributes"]) == len(frame["names"])
    assert frame["background"] == scenes.vcr["val"][0].background


def test_the_unlabelled_set_tells_nothing(small_world: Path, small_sizes: WorldSizes) -> None:
    scenes = sample_scenes(small_sizes)
    assert len(scenes.lvd) == small_sizes.lvd
    assert not {scene.signature for scene in scenes.lvd} & {scene.signature for scene in scenes.imagenet}
    with tarfile.open(small_world / "lvd" / "00000.tar") as archive:
        texts = [
            archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive
            if member.name.endswith(".txt")
        ]
    assert texts == [f"{number:09d}.jpg" for number in range(small_sizes.lvd)]


def test_web_shards_hold_triples_of_one_key(small_world: Path, small_sizes: WorldSizes) -> None:
    with tarfile.open(small_world / "web" / "00000.tar") as archive:
        members = archive.getmembers()
        files = {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]
    assert len(files) == 3 * small_sizes.web
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(0, 0, 0, "")}
    for number in range(small_sizes.web):
        key = f"{number:09d}"
        record = json.loads(files[f"{key}.json"])
        assert record["key"] == key
        assert record["caption"] == files[f"{key}.txt"].decode()
        assert Image.open(io.BytesIO(files[f"{key}.jpg"])).size == (48, 48)


def test_texts_are_documents_and_sharegpt(small_world: Path, small_sizes: WorldSizes) -> None:
    documents = (small_world / "text" / "pretraining.txt").read_text().splitlines()
    assert len(documents) == small_sizes.pretraining_documents
    records = json.loads((small_world / "text" / "instructions.json").read_text())
    assert len(records) == small_sizes.instruction_conversations
    for record in records:
        turns = record["conversations"]
        assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(turns) // 2)
        assert turns[0]["value"].startswith("<Img> ")
        assert "<Img>" not in " ".join(turn["value"] for turn in turns[1:])


def test_an_earlier_world_is_replaced(small_sizes: WorldSizes, tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "stale").touch()
    empty = replace(small_sizes, **dict.fromkeys(("coco_train", "objects365", "imagenet", "lvd", "web"), 0))
    make_world(empty, tmp_path / "world")
    assert not (tmp_path / "world" / "stale").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["world"]


@pytest.mark.parametrize(("change", "named"), [({"image_size": 64}, "image_size"), ({"web": -1}, "web")])
def test_illegal_sizes_are_refused(
    small_sizes: WorldSizes, tmp_path: Path, change: dict[str, int], named: str
) -> None:
    with pytest.raises(VistokError, match=named):
        make_world(replace(small_sizes, **change), tmp_path / "world")
    assert list(tmp_path.iterdir()) == []
