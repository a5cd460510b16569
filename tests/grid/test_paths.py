"""Every file has a place of its own, below the folders that belong to its scale."""

from pathlib import Path
from typing import Any

from vistok.grid.paths import Paths
from vistok.grid.study import Study


def places(study: Study) -> list[Path]:
    paths = Paths(study)
    checkpoints = [
        *(paths.pretrained(entry) for entry in study.pretrainings(study.runs())),
        *(paths.llm(name) for name in study.llms),
        *(paths.mllm(run) for run in study.runs()),
    ]
    tasks = [task.id for task in study.answered_tasks()]
    return [
        paths.data,
        *(paths.shards(name) for name in study.scale.image_sets),
        *checkpoints,
        *(paths.state(checkpoint) for checkpoint in checkpoints),
        *(paths.predictions(run, task) for run in study.runs() for task in tasks),
        *(paths.metrics(run, task) for run in study.runs() for task in tasks),
        *(paths.blind(task) for task in tasks),
        *(paths.blind_predictions(llm, task) for llm in study.answering_llms() for task in tasks),
        *(paths.table(name, suffix) for name in study.tables for suffix in ("csv", "md", "tex", "html")),
    ]


def test_no_two_things_share_a_place(study: Study) -> None:
    result = places(study)
    assert len(set(result)) == len(result)
    assert not any(path.is_absolute() or ".." in path.parts for path in result)


def test_scales_and_splits_share_no_place_but_data_and_models(checkout: Any) -> None:
    mini, dev = places(checkout.load()), places(checkout.load(split="dev"))
    excerpt, paper = places(checkout.load("excerpt")), places(checkout.load("paper"))
    assert {path.parts[0] for path in set(mini) & set(dev)} == {"data", "shards", "checkpoints", "state"}
    assert {path.parts[0] for path in set(mini) & set(excerpt)} == {"checkpoints", "state"}
    assert not set(mini) & set(paper)


def test_where_things_stand(study: Study) -> None:
    paths, run = Paths(study), study.run("clip/frozen/vicuna-7b/seed-0")
    assert paths.pretrained(run.pretrained) == Path("checkpoints/mini/tokenizers/clip/seed-0")
    assert paths.mllm(run) == Path("checkpoints/mini/mllms/clip/frozen/vicuna-7b/seed-0")
    assert paths.state(paths.mllm(run)) == Path("state/mini/mllms/clip/frozen/vicuna-7b/seed-0")
    assert paths.metrics(run, "coco-oc") == Path(
        "results/mini/clip/frozen/vicuna-7b/seed-0/coco-oc/metrics.json"
    )
    assert paths.blind("coco-oc") == Path("results/mini/blind/coco-oc/metrics.json")
    assert paths.table("table-2", "csv") == Path("paper_tables/mini/table-2.csv")
