"""What each job reads and writes follows from the study."""

import pytest

from vistok.errors import VistokError
from vistok.workflow.files import Files

DEIT, CLIP_20M = "deit/frozen/vicuna-7b/seed-0", "clip-20m/frozen/vicuna-7b/seed-0"


def test_a_run_is_made_of_what_its_scale_makes(mini: Files, paper: Files, excerpt: Files) -> None:
    made = ["checkpoints/mini/llms/vicuna-7b", "checkpoints/mini/tokenizers/deit"]
    assert mini.parts(DEIT) == excerpt.parts(DEIT) == made
    assert paper.parts(DEIT) == []
    assert paper.parts(CLIP_20M) == ["data/paper/weights/clip_base_25ep.pt"]


def test_a_language_model_waits_for_its_base(mini: Files) -> None:
    assert mini.base("vicuna-7b") == ["checkpoints/mini/llms/llama-7b"]
    assert mini.base("llama-7b") == []


def test_a_pretraining_reads_its_shards_and_the_probes_once(mini: Files) -> None:
    shards = mini.pretraining_shards("clip")
    assert shards == list(dict.fromkeys(shards)) and "shards/mini/web" in shards
    assert f"shards/mini/{mini.study.scale.probe_set}" in shards


def test_a_table_waits_for_its_cells_and_their_baselines(mini: Files) -> None:
    (table, *_) = mini.study.tables
    cells = mini.metrics([table])
    assert f"results/mini/{DEIT}/coco-oc/metrics.json" in cells
    assert "results/mini/blind/coco-oc/metrics.json" in cells
    assert (
        len(cells)
        == len(set(cells))
        == len(mini.study.table(table).columns) * (len(mini.study.runs(table)) + 1)
    )


def test_curves_wait_for_every_training_of_their_table(mini: Files, paper: Files) -> None:
    (table, *_) = mini.study.tables
    assert {"checkpoints/mini/llms/llama-7b", "checkpoints/mini/tokenizers/dino"} <= {*mini.trainings(table)}
    assert paper.trainings(table) == [
        f"checkpoints/paper/mllms/{run.path}" for run in paper.study.runs(table)
    ]


def test_outputs_of_a_run_keep_the_wildcard(mini: Files) -> None:
    assert mini.of_run("gvt", "metrics.json")[0] == "results/mini/{run}/vqav2/metrics.json"


def test_archives_that_are_given_out_by_hand_are_not_fetched(mini: Files, paper: Files) -> None:
    assert mini.fetched() == []
    fetched = {mark.rpartition("/")[2] for mark in paper.fetched()}
    assert fetched and all(paper.downloads[name].urls for name in fetched)
    assert {name for name, entry in paper.downloads.items() if not entry.urls}.isdisjoint(fetched)


def test_an_unknown_run_is_refused(mini: Files) -> None:
    with pytest.raises(VistokError, match="unknown tokenizer 'diet'"):
        mini.parts("diet/frozen/vicuna-7b/seed-0")
