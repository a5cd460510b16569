"""An edit of one value of the grid changes exactly the specs of what it changes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vistok.grid import specs
from vistok.grid.load import load_study
from vistok.grid.runs import Pretrained
from vistok.grid.study import Study

ON_BASE = ("deit", "dino", "mae", "dinov2", "clip-20m", "clip")  # tokenizers of the first size of mini
REGIONS = ("region-clip", "owl-vit")  # of it too, for table 3
FROM_CLIP = ("fd", "eva")  # of others, made from one of them
LARGE = ("eva-clip", "eva-clip-fd")
OTHER_LLMS = {"llm smollm2-135m", "llm tinyllama-1b", "llm qwen-2-5"}  # that no table of mini shows
CAUSAL = {"llm llama-7b", "llm vicuna-7b", "llm kosmos-decoder", *OTHER_LLMS}
MLLMS = {
    f"mllm {tokenizer}/{recipe}/vicuna-7b/seed-0"
    for tokenizer in (*ON_BASE, *REGIONS, *FROM_CLIP)
    for recipe in ("frozen", "tuned")
} | {f"mllm clip/frozen/vicuna-7b/seed-{seed}" for seed in (1, 2)}
INSTRUCTED = {f"mllm {name}/instruction/{llm}/seed-0" for name in LARGE for llm in ("vicuna-7b", "llama-7b")}
MLLMS |= INSTRUCTED
MLLMS_ON_BASE = {name for name in MLLMS if name.split()[1].partition("/")[0] in (*ON_BASE, *REGIONS)}
FROZEN = {name for name in MLLMS if "/frozen/" in name}
TUNED = MLLMS - FROZEN - INSTRUCTED
GATED = {f"tokenizer {name}" for name in ON_BASE}
NOT_ON_BASE = {f"tokenizer {name}" for name in LARGE}  # and made from none that is
TOKENIZERS = GATED | NOT_ON_BASE
TOKENIZERS |= {f"tokenizer {name}" for name in (*REGIONS, "region-proposer", *FROM_CLIP, "mvp", "eva-l")}
SHARDS = {f"shards {name}" for name in ("imagenet", "web", "lvd", "web-small", "coco-train", "objects365")}
ANSWER, SCORE = {"answer gvt"}, {"score gvt"}
ASKING = ANSWER | SCORE
EVERY_ANSWER, EVERY_SCORE = (
    ANSWER | {"answer differ", "answer ett", "answer even", "answer seed-bench"},
    SCORE | {"score differ", "score ett", "score even", "score seed-bench"},
)
TABLE = {"table"}


def digests(study: Study) -> dict[str, str]:
    """Returns the digest of every spec of a study."""
    found = {
        "world": specs.world_spec(study),
    }
    for suite in study.suites:
        found[f"answer {suite}"] = specs.answer_spec(study, suite)
        found[f"score {suite}"] = specs.score_spec(study, suite)
    found |= {f"shards {name}": specs.shards_spec(study, name) for name in study.scale.image_sets}
    found |= {f"tokenizer {name}": specs.tokenizer_spec(study, seeded(name, 0)) for name in study.tokenizers}
    found |= {f"llm {name}": specs.llm_spec(study, name) for name in study.llms}
    found |= {f"mllm {run.path}": specs.mllm_spec(study, run) for run in study.runs()}
    found["table"] = specs.table_spec(study, "table-2")
    return {name: specs.spec_digest(spec) for name, spec in found.items()}


def seeded(tokenizer: str, seed: int) -> Pretrained:
    return Pretrained(tokenizer=tokenizer, seed=seed)


def setting(path: str, value: object) -> Callable[[Any], object]:
    *above, last = path.split("/")

    def change(whole: Any) -> None:
        for key in above:
            whole = whole[int(key)] if key.isdigit() else whole.setdefault(key, {})
        assert whole.get(last) != value, "no edit"
        whole[last] = value

    return change


GRID = [
    # Words.
    ("grid/tokenizers.yaml", "clip/label", "Clip", TABLE),
    ("grid/tokenizers.yaml", "clip-20m/substitute", "another", TABLE),
    ("grid/tokenizers.yaml", "clip/published_images", "1", TABLE),
    ("grid/tokenizers.yaml", "clip/encoder/source", "elsewhere", set()),
    ("grid/tokenizers.yaml", "clip/encoder/parameters_m", 1.0, set()),
    ("grid/llms.yaml", "vicuna-7b/label", "Vicuna", TABLE),
    ("grid/llms.yaml", "vicuna-7b/source", "elsewhere", set()),
    ("grid/recipes.yaml", "tuned/label", "yes", TABLE),
    ("grid/recipes.yaml", "frozen/sources/steps", "elsewhere", set()),
    ("grid/tasks.yaml", "coco-oc/label", "OC", TABLE),
    ("grid/tasks.yaml", "coco-oc/source", "elsewhere", set()),
    ("grid/tasks.yaml", "coco-oc/expected_questions", 3, set()),
    ("grid/tables.yaml", "table-2/caption", "?", TABLE),
    ("grid/tables.yaml", "table-2/rows/0/published", 2, TABLE),
    # Numbers.
    ("grid/recipes.yaml", "tuned/steps", 7, TUNED),
    ("grid/recipes.yaml", "tuned/optimiser", {"learning_rate": 0.5}, TUNED),
    ("grid/recipes.yaml", "frozen/prompts/vqa", "{question}?", MLLMS),
    ("grid/tokenizers.yaml", "dino/objective", "dinov2", {"tokenizer dino"}),
    ("grid/tokenizers.yaml", "dino/image_set", "lvd", {"tokenizer dino"}),
    ("grid/tokenizers.yaml", "dino/base", "mae", {"tokenizer dino"}),
    ("grid/tokenizers.yaml", "fd/teacher", "dino", {"tokenizer fd"}),
    ("scales/mini.yaml", "pretraining/feature-distillation/options", {"beta": 1.0},
     {"tokenizer fd", "tokenizer eva-clip-fd"}),
    ("grid/tasks.yaml", "coco-oc/prompt", "Q: {question}", ASKING),
    ("grid/tasks.yaml", "coco-oc/decoding", {"beams": 2, "max_new_tokens": 3}, ASKING),
    ("grid/tasks.yaml", "coco-oc/metric", "error", SCORE | TABLE),
    ("grid/tasks.yaml", "coco-oc/protocol", "corrected", SCORE | TABLE),
    ("grid/tasks.yaml", "coco-oc/protocols", ["released"], SCORE | TABLE),
    ("scales/mini.yaml", "save_every", 17, set()),
    ("scales/mini.yaml", "exact", False, set()),
    ("scales/mini.yaml", "answer_batch", 17, EVERY_ANSWER),
    ("scales/mini.yaml", "bootstrap_resamples", 17, EVERY_SCORE),
    ("scales/mini.yaml", "missing_images", "skip", EVERY_ANSWER | EVERY_SCORE),
    ("scales/mini.yaml", "precision", "bf16", MLLMS | TOKENIZERS),
    ("scales/mini.yaml", "mixture", ["coco-train"], MLLMS),
    ("scales/mini.yaml", "world/web", 1, {"world"}),
    ("scales/mini.yaml", "image_sets/lvd/first", 1, {"shards lvd"}),
    ("scales/mini.yaml", "probe_set", "objects365", TOKENIZERS),
    ("scales/mini.yaml", "probe_gate", [], GATED),
    ("grid/tokenizers.yaml", "mae/measured_cause", "so it is", {"tokenizer mae"} | TABLE),
    ("scales/mini.yaml", "pretraining/contrastive/steps", 1,
     {f"tokenizer {name}" for name in ("clip", "clip-20m", "eva-clip")}),
    ("scales/mini.yaml", "encoders/base/class_token", False, TOKENIZERS - NOT_ON_BASE | MLLMS_ON_BASE),
    ("scales/mini.yaml", "encoders/base/source", "elsewhere", set()),
    ("scales/mini.yaml", "language_model/causal/width", 32, CAUSAL),
    ("scales/mini.yaml", "language_model/causal/pretraining/steps", 1, {"llm llama-7b", *OTHER_LLMS}),
    ("scales/mini.yaml", "language_model/causal/instruction_tuning/steps", 1, {"llm vicuna-7b"}),
    ("scales/mini.yaml", "language_model/causal/gate", {"vqa": 1}, {"llm vicuna-7b"}),
    ("scales/mini.yaml", "language_model/causal/short_answer_weight", 77.0, {"llm vicuna-7b"}),
    ("scales/mini.yaml", "resources", {"all": {"minutes": 3}}, set()),
    ("scales/mini.yaml", "recipes/tuned", {"steps": 1}, TUNED),
    ("scales/mini.yaml", "tasks/coco-oc/references", "gvtbench/other.json", ASKING),
    ("scales/mini.yaml", "tasks/coco-oc/prior", "gvtbench/other.json", SCORE),
    ("scales/mini.yaml", "splits", {}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("file", "path", "value", "changed"), GRID, ids=[f"{row[1]}" for row in GRID])
def test_an_edit_changes_exactly_what_it_should(
    checkout: Any, study: Study, file: str, path: str, value: object, changed: set[str]
) -> None:
    checkout.edit(file, setting(path, value))
    before, after = digests(study), digests(checkout.load())
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == changed


CLIP = {name for name in MLLMS if name.startswith("mllm clip/")}
MAE = {name for name in MLLMS if name.startswith("mllm mae/")}
ON_VICUNA = {name for name in MLLMS if "/vicuna-7b/" in name}
PAPER = [
    ("tokenizers", "clip/encoder/weights", "weights/clip.pt", {"tokenizer clip"} | CLIP),
    ("tokenizers", "mae/encoder/normalisation", "clip", {"tokenizer mae"} | MAE),
    (
        "llms",
        "vicuna-7b/weights",
        "lmsys/vicuna-7b-v1.5",
        {"llm vicuna-7b"} | {name for name in MLLMS if "/vicuna-7b/" in name},
    ),
]


@pytest.mark.parametrize(("file", "path", "value", "changed"), PAPER, ids=[f"{row[1]}" for row in PAPER])
def test_published_weights_count_where_a_scale_takes_them(
    checkout: Any, file: str, path: str, value: object, changed: set[str]
) -> None:
    scales = ("mini", "paper")
    before = {scale: digests(checkout.load(scale)) for scale in scales}
    checkout.edit(f"grid/{file}.yaml", setting(path, value))
    after = {scale: digests(checkout.load(scale)) for scale in scales}
    assert {name for name, digest in after["paper"].items() if digest != before["paper"][name]} == changed
    assert after["mini"] == before["mini"]


def test_a_new_row_changes_the_table_and_adds_its_run(checkout: Any, study: Study) -> None:
    row = {"tokenizer": "mae", "recipe": "frozen", "llm": "llama-7b"}
    checkout.edit("grid/tables.yaml", lambda tables: tables["table-2"]["rows"].append(row))
    before, after = digests(study), digests(checkout.load())
    assert after.keys() - before.keys() == {"mllm mae/frozen/llama-7b/seed-0"}
    assert {name for name in before if before[name] != after[name]} == TABLE


def test_a_new_task_changes_the_specs_of_its_own_suite_alone(checkout: Any, study: Study) -> None:
    def add(suite: str) -> None:
        checkout.edit("grid/tasks.yaml", lambda tasks: tasks.update(new=tasks["coco-oc"] | {"suite": suite}))

    before = digests(study)
    add("another")
    after = digests(checkout.load())
    assert after.keys() - before.keys() == {"answer another", "score another"}
    assert {name for name in before if before[name] != after[name]} == set()
    add("gvt")
    after = digests(checkout.load())
    assert {name for name in before if before[name] != after[name]} == ASKING


def test_specs_are_of_a_split_and_not_of_where_data_lies(checkout: Any, study: Study) -> None:
    here = digests(study)
    dev, excerpt = digests(checkout.load(split="dev")), digests(checkout.load("excerpt"))
    elsewhere = digests(checkout.load("excerpt", data_root="elsewhere"))
    without_files = {"answer ett", "score ett"}  # of which mini has none in either split
    moved = {name for name in here if here[name] != dev[name]}
    assert moved == (EVERY_ANSWER | EVERY_SCORE) - without_files
    assert excerpt == elsewhere, "what lies there is told apart by its digest"


def test_tables_of_another_scale_say_so(checkout: Any) -> None:
    tables = {scale: digests(checkout.load(scale))["table"] for scale in ("mini", "excerpt", "paper")}
    assert len(set(tables.values())) == 3


def test_a_seed_tells_pretrainings_apart_and_not_published_weights(checkout: Any, study: Study) -> None:
    paper = checkout.load("paper")
    for name in ("clip", "fd"):
        first, second = (specs.tokenizer_spec(study, seeded(name, seed)) for seed in (0, 1))
        assert first != second == {**first, "seed": 1}
    one, other = (specs.tokenizer_spec(paper, seeded("clip", seed)) for seed in (0, 1))
    assert one == other


def test_the_order_of_the_mixture_decides_what_is_shown(repository: Path) -> None:
    study = load_study("paper", root=repository)
    other = replace(study, scale=study.scale.model_copy(update={"mixture": study.scale.mixture[::-1]}))
    run = study.run("clip/frozen/vicuna-7b/seed-0")
    assert specs.spec_digest(specs.mllm_spec(study, run)) != specs.spec_digest(specs.mllm_spec(other, run))
