"""A file that is asked for by a wrong name is refused with what is legal."""

import re
from typing import Any

import pytest

from vistok.errors import VistokError
from vistok.grid.study import Study
from vistok.grid.targets import check_target

RUN = "clip/frozen/vicuna-7b/seed-0"


@pytest.mark.parametrize(
    "target",
    [
        f"results/mini/{RUN}/coco-oc/metrics.json",
        "results/mini/clip/tuned/vicuna-7b/seed-7/coco-oc/predictions.jsonl",
        "results/mini/blind/vqav2/metrics.json",
        "checkpoints/mini/tokenizers/clip/seed-0",
        "checkpoints/mini/llms/vicuna-7b",
        f"checkpoints/mini/mllms/{RUN}",
        "shards/mini/web",
        "paper_tables/mini/table-2.html",
        "paper_tables/mini/table-2-curves.png",
        "paper_tables/mini/claims.html",
        "paper_tables/published/table2.csv",
        "paper_tables",
        "results",
        "--cores",
        "scale=mini",
    ],
)
def test_files_of_the_study_and_other_words_are_left_alone(study: Study, target: str) -> None:
    check_target(study, target)


@pytest.mark.parametrize(
    ("found", "config"),
    [
        ("paper", "scale=paper,"),
        ("paper-dev", "scale=paper split=dev,"),
        ("paper-h200", "scale=paper-h200,"),
        ("paper-h200-dev", "scale=paper-h200 split=dev,"),
        ("paper-h2000", "scale=paper split=h2000,"),
        ("papper-dev", "scale=papper-dev,"),
    ],
)
def test_a_scale_may_have_a_dash_in_its_name(
    checkout: Any, monkeypatch: pytest.MonkeyPatch, found: str, config: str
) -> None:
    checkout.write("scales/paper-h200.yaml", "extends: paper\n")
    monkeypatch.chdir(checkout.root)
    with pytest.raises(VistokError, match=re.escape(f"is of {found!r}, and") + f".* Add --config {config}"):
        check_target(checkout.load(), f"paper_tables/{found}/table-2.html")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            f"results/mini/{RUN.replace('clip', 'clpi')}/coco-oc/metrics.json",
            "tokenizer 'clpi'. Did you mean 'clip'",
        ),
        (f"results/mini/{RUN}/coco-co/metrics.json", "task 'coco-co'. Did you mean 'coco-oc'"),
        ("results/mini/clip/frozen/vicuna-7b/0/coco-oc/metrics.json", "Legal: tokenizer/recipe/llm/seed-N"),
        ("results/mini/blind/vqa/metrics.json", "task 'vqa'. Did you mean 'vqav2'"),
        (f"results/smoke/{RUN}/coco-oc/metrics.json", "Add --config scale=smoke,"),
        (f"results/mini-dev/{RUN}/coco-oc/metrics.json", "Add --config scale=mini split=dev,"),
        ("paper_tables/smoke/table-2.html", "Add --config scale=smoke,"),
        ("checkpoints/smoke/tokenizers/clip/seed-0", "Add --config scale=smoke,"),
        ("checkpoints/mini/tokenizers/clpi/seed-0", "tokenizer 'clpi'. Did you mean 'clip'"),
        ("checkpoints/mini/llms/vicuna", "llm 'vicuna'. Did you mean 'vicuna-7b'"),
        ("checkpoints/mini/mllms/clip/tune/vicuna-7b/seed-0", "recipe 'tune'. Did you mean 'tuned'"),
        ("paper_tables/mini/table-22.html", "table 'table-22'. Did you mean 'table-2'"),
        ("shards/mini/wbe", "image set 'wbe'. Did you mean 'web'"),
    ],
)
def test_a_wrong_part_of_a_name_is_told_with_what_is_legal(study: Study, target: str, message: str) -> None:
    with pytest.raises(VistokError, match=re.escape(message)):
        check_target(study, target)
