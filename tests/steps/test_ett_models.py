"""ETT's own models are trained, measured and shown at the smoke scale, and what is wrong is refused in a sentence."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.steps.test_stages import save_llm
from tests.supervision.ibq.conftest import pictures

from vistok.checkpoints import read_config
from vistok.datasets.geneval import KINDS, read_prompts
from vistok.datasets.gvtbench import counting_question, identification_question
from vistok.datasets.rows import QuestionAnswer
from vistok.datasets.shards import Shards, write_rows
from vistok.errors import VistokError
from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.files import write_json
from vistok.grid import ett_drawing, ett_scale
from vistok.grid.ett import EttPaths
from vistok.grid.ett_drawing import drawing_rows
from vistok.grid.ett_reconstruction import reader_of
from vistok.grid.ett_scale import generation_of, longer_training, makes_ett, read_scale, tuned_runs
from vistok.grid.ett_sizes import EttScale
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.read import validated
from vistok.grid.study import Study
from vistok.pages.table import render_table
from vistok.steps import (
    generate,
    lengthen_ibq,
    make_prompts,
    pretrain_tokenizer,
    reconstruct,
    show_ett,
    teach_drawing,
    train_cell_nets,
    train_ibq,
    tune_mllm,
)
from vistok.steps.ask_pictures import PictureReader
from vistok.steps.generate import check_judge
from vistok.tables.ett_generation import assemble_generation
from vistok.tables.ett_reconstruction import assemble_reconstruction


@pytest.fixture(scope="module")
def checkout(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the sets that the smoke scale is trained on, and images with annotations to measure it on."""
    root = tmp_path_factory.mktemp("ett")
    (root / "workflow").symlink_to(repository / "workflow")
    (root / "paper_tables").mkdir()
    (root / "paper_tables/published").symlink_to(repository / "paper_tables/published")
    for seed, name in enumerate(("coco-train", "objects365", "web")):
        told = {"captions": ("a ring and a box",), "questions": (QuestionAnswer("what is it?", "ring"),)}
        rows = (replace(row, **told) for row in pictures(40, seed))  # type: ignore[arg-type]
        write_rows(rows, root / "shards/smoke" / name, categories=("square", "bar"))
    _write_images(root / "data/smoke")
    return root


def _write_images(root: Path) -> None:
    """Writes fifteen images in COCO's official layout, and the benchmark's two kinds of question about each."""
    (root / "coco/val2017").mkdir(parents=True)
    (root / "coco/annotations").mkdir()
    told: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": []}
    numbers = {"square": 1, "bar": 2}
    told["categories"] = [{"id": number, "name": name} for name, number in numbers.items()]
    for number, row in enumerate(pictures(15, 7), start=1):
        (root / f"coco/val2017/{number:012}.jpg").write_bytes(row.image)
        told["images"].append({"id": number, "file_name": f"{number:012}.jpg", "width": 32, "height": 32})
        for entry in row.objects:
            told["annotations"].append(
                {
                    "id": len(told["annotations"]) + 1, "image_id": number, "category_id": numbers[entry.category],
                    "bbox": [*entry.box], "iscrowd": 0, "attributes": dict(entry.attributes),
                }
            )  # fmt: skip
    (root / "coco/annotations/instances_val2017.json").write_text(json.dumps(told))
    (root / "gvtbench").mkdir()
    _write_questions(root / "gvtbench", told)


def _write_questions(folder: Path, told: dict[str, list[Any]]) -> None:
    names = {entry["id"]: entry["name"] for entry in told["categories"]}
    seen = Counter((entry["image_id"], names[entry["category_id"]]) for entry in told["annotations"])
    counting, identification = [], []
    for image, name in product((entry["id"] for entry in told["images"]), names.values()):
        count = seen[image, name]
        about = {"image_id": image, "n_obj_exist": sum(seen[image, other] > 0 for other in names.values())}
        present = "Yes." if count else "No."
        identification.append({**about, "text_in": identification_question(name), "text_out": present})
        if count:
            counting.append({**about, "text_in": counting_question(name), "text_out": str(count)})
    write_json(folder / "coco_oc.json", counting)
    write_json(folder / "coco_mci.json", identification)


@pytest.fixture
def study(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(checkout)
    return load_study("smoke")


def train_all(study: Study) -> None:
    """Trains the nets, the tokenizer, and language models that tune it, of which no text has been learnt."""
    for step in (train_cell_nets, train_ibq, lengthen_ibq):
        step.run(study)
    for llm in ("llama-7b", "vicuna-7b"):
        if not Paths(study).llm(llm).exists():
            save_llm(study, llm)
    make_prompts.run(study)
    drawn, reader = [run for _, run in drawing_rows(study)], reader_of(study)
    if not Paths(study).pretrained(reader.pretrained).exists():
        pretrain_tokenizer.run(study, reader.pretrained)
    for run in study.stages([*tuned_runs(study), *drawn, reader]):
        tune_mllm.run(study, run)
    for run in drawn:
        teach_drawing.run(study, run)


def make_all(study: Study) -> None:
    """Trains all, and measures it where that is not done."""
    train_all(study)
    for step, made in ((reconstruct, EttPaths(study).reconstruction), (generate, EttPaths(study).generation)):
        if not made.exists():
            step.run(study)


def test_from_images_to_the_table(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    paths = EttPaths(study)
    with pytest.raises(VistokError, match="judge"):
        reconstruct.run(study)
    make_all(study)
    record = json.loads(paths.reconstruction.read_text())
    ours, true = record["rows"]["ibq"], record["rows"]["true"]
    assert {*ours} == {
        "psnr", "ssim", "rfid", "found", "found_large", "found_small", "colour", "use", "perplexity",
        "coco-oc", "coco-mci", "probe",
    }  # fmt: skip
    for row in record["rows"].values():
        assert row["coco-mci"]["n"] == 30 and row["coco-oc"]["n"] == sum(row["coco-oc"]["by_image"]["counts"])
        assert len(row["coco-mci"]["by_image"]["sums"]) == 15 and row["probe"]["low"] <= row["probe"]["high"]
    assert ours["psnr"]["n"] == ours["use"]["n"] == 15 and ours["psnr"]["low"] < ours["psnr"]["high"]
    assert "psnr" not in true and true["rfid"]["value"] > 0
    assert ours["found"]["n"] == ours["found_large"]["n"] + ours["found_small"]["n"] > 15
    assert record["rows"]["patch-means"]["psnr"]["value"] > 10
    tuned = {"embedding-tuned", "embedding-tuned-alone", "embedding-tuned-half", "embedding-tuned-whole"}
    assert {*record["rows"]} == {"ibq", "ibq-longer", "patch-means", "true"} | tuned
    assert len({record["rows"][name]["psnr"]["value"] for name in record["rows"] if name != "true"}) == 7
    assert record["protocol"]["images"] == 15 and len(record["protocol"]["features_digest"]) == 64
    report = assemble_reconstruction(study, paths.reconstruction)
    table = render_table(report, "md")
    assert table.startswith("# Reconstruction (smoke): what the tokenizer of ETT leaves of images")
    assert "COCO-OC: answers of clip/frozen/vicuna-7b/seed-0 to the study's questions" in table
    assert "IBQ's reconstruction less the images themselves: COCO-OC " in table
    assert "neither taught the tokenizer nor judges it" in table and "→" not in table, "no paper prints any"
    assert "IBQ tuned, weight 0.25" in table and "runs/" not in render_table(report, "html")
    config = json.loads((paths.checkpoint("ibq") / "config.json").read_text())
    assert config["use"]["codes"] == 32 and config["network"]["stem"] == 4
    first = {name: (paths.checkpoint(name) / "provenance.json").read_bytes() for name in ("judge", "ibq")}
    capsys.readouterr()
    for step in (train_cell_nets, train_ibq, lengthen_ibq):
        step.run(study)
    assert capsys.readouterr().err.count("is finished, complete and of this study: nothing to do") == 5
    assert first == {name: (paths.checkpoint(name) / "provenance.json").read_bytes() for name in first}


def test_what_reads_pictures_sees_the_pictures_and_no_photographs(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_all(study)
    photographs = sorted(Path("data/smoke/coco/val2017").glob("*.jpg"))
    with pytest.raises(VistokError, match=r"'coco-oc' asks about 0{11}1\.jpg, of which there is no picture"):
        PictureReader.of(study, photographs[1:], 48)
    with pytest.raises(
        VistokError, match=r"reads images of 48 pixels a side, .* pictures of 32.*`image_size` of 48"
    ):
        PictureReader.of(study, photographs, 32)
    reader = PictureReader.of(study, photographs, 48)
    true, blank = reader.probe(lambda images: images), reader.probe(lambda images: np.zeros_like(images))
    assert true["probe"]["value"] > blank["probe"]["value"] + 20
    seen: list[tuple[str, Any]] = []
    look = SeeingAnswerer.look_anew

    def watched(answerer: SeeingAnswerer, images: Iterator[tuple[str, Any]]) -> None:
        shown = list(images)
        seen.extend(shown)
        look(answerer, iter(shown))

    monkeypatch.setattr(SeeingAnswerer, "look_anew", watched)
    grey = np.stack([np.full((3, 48, 48), 10 * place, dtype=np.uint8) for place in range(15)])
    reader.answers(grey)
    assert {int(np.ptp(image)) for _, image in seen} == {0}, "pictures of one grey, and no photograph"
    assert len({int(image.flat[0]) for _, image in seen}) == 15, "each its own"


def test_the_same_commit_makes_the_same_weights_and_numbers(study: Study, tmp_path: Path) -> None:
    paths = EttPaths(study)
    make_all(study)
    made = [paths.checkpoint(name) / "model.safetensors" for name in ("ibq", "ibq-longer")]
    kept = {path: path.read_bytes() for path in (*made, paths.reconstruction)}
    for folder in ("checkpoints", "state", "results"):
        shutil.rmtree(folder, ignore_errors=True)
    make_all(study)
    assert kept == {path: path.read_bytes() for path in kept}


def test_a_changed_byte_of_a_checkpoint_is_refused(study: Study) -> None:
    for step in (train_cell_nets, train_ibq):
        step.run(study)
    file = EttPaths(study).checkpoint("ibq") / "config.json"
    before = file.read_text()
    file.write_text(before.replace('"stem": 4', '"stem": 2'))
    with pytest.raises(VistokError, match=r"config\.json is not what was written there"):
        reconstruct.run(study)
    file.write_text(before)


def test_a_net_that_tells_too_little_is_not_kept(study: Study) -> None:
    size = read_scale(study).nets["judge"].model_copy(update={"least": 99.0, "steps": 1, "seed": 9})
    with pytest.raises(
        VistokError, match=r"the cell net 'judge' tells the category of .* and 99 % are needed"
    ):
        train_cell_nets._train(study, "judge", size)


def test_scales_without_ett_say_so_and_show_why(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = load_study("paper")
    assert makes_ett(paper) and makes_ett(study)
    monkeypatch.setattr(ett_scale, "scale_file", lambda study: Path("workflow/scales/ett/none.yaml"))
    with pytest.raises(VistokError, match=r"'paper' has no tokenizer of ETT's: .*Legal: mini, paper, smoke"):
        read_scale(paper)
    show_ett.run(paper)
    table = EttPaths(paper).table("reconstruction", "md").read_text()
    assert table.count("not measured: this scale has no tokenizer of ETT's") == 96


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"perceptual": {"seed": 1}}, "judge, perceptual net and features are three"),
        ({"tokenizer": {"autoencoder_steps": 6}}, "`autoencoder_steps` leaves none of 6 steps for the codebook"),
        ({"tokenizer": {"perceptual": [1, 2]}}, "`perceptual` weighs 2 depths of 4"),
        ({"judges": {}}, "unknown key 'judges'"),
    ],
)  # fmt: skip
def test_a_scale_that_does_not_fit_together_is_refused(
    study: Study, change: dict[str, dict[str, Any]], said: str
) -> None:
    entry = yaml.safe_load(Path("workflow/scales/ett/smoke.yaml").read_text())
    for name, values in change.items():
        entry[name] = {**entry.get(name, {}), **values}
    with pytest.raises(VistokError, match=said):
        validated(EttScale, "smoke", entry, "here")


def test_every_scale_is_whole(repository: Path, study: Study) -> None:
    for name in ("mini", "smoke"):
        scale = read_scale(load_study(name))
        assert scale.tokenizer.network.tokens == 36 and {*scale.image_sets} <= {
            *load_study(name).scale.image_sets
        }
    assert np.asarray(Image.open(next(Path("data/smoke/coco/val2017").iterdir()))).shape == (32, 32, 3)


def test_the_control_is_trained_as_long_and_as_fast_as_tuning_is(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, longer = study.recipe("embedding-tuned"), longer_training(study)
    assert (longer.steps, longer.batch, longer.images) == (recipe.steps, recipe.batch, study.scale.mixture)
    assert (longer.autoencoder_steps, longer.average) == (0, 0.0)
    mini = load_study("mini")
    rate = (
        mini.recipe("embedding-tuned").optimiser.learning_rate
        * mini.recipe("embedding-tuned").rates["tokenizer"]
    )
    assert longer_training(mini).optimiser.learning_rate == rate
    for step in (train_cell_nets, train_ibq):
        step.run(study)
    refused = Mock(side_effect=VistokError("the codebook has collapsed"))
    monkeypatch.setattr(train_ibq, "check_use", refused)
    lengthen_ibq.run(study)
    refused.assert_not_called()  # few codes in use are a result of a control
    assert read_config(EttPaths(study).checkpoint("ibq-longer"))["use"]["used"] > 0
    curves = (EttPaths(study).checkpoint("ibq-longer") / "curves.csv").read_text()
    assert curves.splitlines()[-1].startswith(f"{recipe.steps},")
    made = [EttPaths(study).checkpoint(name) / "model.safetensors" for name in ("ibq", "ibq-longer")]
    assert made[0].read_bytes() != made[1].read_bytes()


def test_prompts_and_their_images_are_made_the_same_again(study: Study) -> None:
    folder = EttPaths(study).prompts
    make_prompts.run(study)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    first = [path.read_bytes() for path in files]
    make_prompts.run(study)
    assert first == [path.read_bytes() for path in files]
    plain, asks = (
        read_prompts(folder / name / "evaluation_metadata.jsonl") for name in ("plain", "held-out")
    )
    assert [prompt.kind for prompt in plain] == [kind for kind in KINDS for _ in range(2)]
    shown = Shards(folder / "shown")
    assert [row.captions[0] for row in shown] == [prompt.text for prompt in (*plain, *asks)]
    assert len(Shards(folder / "pairs")) == 40 and all(
        len(row.captions) == 2 for row in Shards(folder / "pairs")
    )


def test_from_prompts_to_the_table(study: Study) -> None:
    make_all(study)
    record = json.loads(EttPaths(study).generation.read_text())
    assert {*record["judge"]} == {*KINDS} and record["judge"]["counting"]["n"] == 4
    for row in record["rows"].values():
        for each in row.values():
            assert each["mean"]["n"] == 12 and 0 <= each["mean"]["value"] <= 100
            kinds = [each[kind]["value"] for kind in KINDS]
            assert each["mean"]["value"] == pytest.approx(sum(kinds) / 6, abs=1e-3)
    blind, drawn = (record["rows"][name]["plain"] for name in ("retrieval", "ibq/embedding-tuned"))
    more = drawn["mean"]["value"] - blind["mean"]["value"]
    assert drawn["more"]["value"] == pytest.approx(more, abs=1e-3) and blind["more"]["high"] == 0
    page = render_table(assemble_generation(study, EttPaths(study).generation), "md")
    assert "Blind: the image whose caption is nearest" in page and "bootstrap interval over prompts" in page
    assert "true images that show their prompt" in page and "held-out prompt" in page
    made = (EttPaths(study).generation, EttPaths(study).sheet)
    first = [path.read_bytes() for path in made]
    generate.run(study)
    assert first == [path.read_bytes() for path in made] and first[1].startswith(b"\x89PNG")


def test_one_that_draws_is_of_the_sizes_and_the_parts_that_are_there_now(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_all(study)
    run = drawing_rows(study)[1][1]
    assert not teach_drawing.load_drawer(study, run).training
    size = generation_of(study)
    training = size.training.model_copy(update={"steps": 9})
    monkeypatch.setattr(
        ett_drawing, "generation_of", lambda _: size.model_copy(update={"training": training})
    )
    with pytest.raises(VistokError, match="was made from other models, images or sizes than are there now"):
        teach_drawing.load_drawer(study, run)


def test_a_judge_that_is_wrong_too_often_is_refused(study: Study) -> None:
    size = generation_of(study).model_copy(update={"least": 98.5})
    good = {"counting": {"both": 98.5}, "colors": {"both": 100.0}}
    check_judge(good, size)
    with pytest.raises(
        VistokError, match=r"too few of the true images .*: colors 98\.4 %; 98\.5 % are needed"
    ):
        check_judge(good | {"colors": {"both": 98.4}}, size)


def test_generation_of_a_scale_that_measures_none_says_why(study: Study) -> None:
    page = render_table(assemble_generation(study, None), "md")
    assert page.count("not measured: workflow/scales/ett/smoke.yaml declares nothing") == 224
