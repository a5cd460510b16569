"""What the grid refuses, and how recipes and scales are laid over each other."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vistok.errors import VistokError
from vistok.grid.connectors import Linear, Resampler
from vistok.grid.load import load_study

HOSTILE = ["../x", "a;rm -rf", "", "CLIP", "clip\n", " clip", "clip/../dino", "$(id)", "a" * 61, "é", "-clip"]
PAPER = {"deit", "dino", "mae", "dinov2", "clip-20m", "clip"}
Change = Callable[[Any], object]


def setting(path: str, value: object) -> Change:
    *above, last = path.split("/")

    def change(whole: Any) -> None:
        for key in above:
            whole = whole[int(key) if key.isdigit() else key]
        whole[last] = value

    return change


# Each level holds the one below nine times: 9**40 values at the end.
BOMB = "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))])


@pytest.mark.parametrize("scale", ["mini", "smoke", "excerpt", "paper"])
def test_every_scale_loads(repository: Path, scale: str) -> None:
    study = load_study(scale, root=repository)
    assert study.scale.id == scale
    assert study.models_study.scale.id == study.scale.models
    assert len([run for run in study.runs("table-2") if run.tokenizer in PAPER]) == 14
    assert [task.id for task in study.answered_tasks()] == [
        "vqav2",
        "coco-caption",
        "coco-oc",
        "coco-mci",
        "vcr-oc",
        "vcr-mci",
        "seed-bench",
    ]


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("grid/tokenizers.yaml", setting("clip/lable", "CLIP"), ["clip", "key 'lable'", "'label'", "substitute"]),
        ("grid/tokenizers.yaml", setting("clip/encoder/wdith", 1), ["encoder", "'wdith'", "'width'", "tokens"]),
        ("grid/tokenizers.yaml", setting("clip/objective", "contrastiv"), ["'contrastive'?", "masked-pixels"]),
        ("grid/tokenizers.yaml", setting("clip/encoder/library", "tim"), ["encoder.library", "'timm'?"]),
        ("grid/tokenizers.yaml", setting("clip/encoder/width", "broad"), ["encoder.width", "integer", "'broad'"]),
        ("grid/tokenizers.yaml", setting("clip/encoder/tokens", 0), ["encoder.tokens", "greater than 0"]),
        ("grid/tokenizers.yaml", setting("clip/image_set", None), ["`objective` and `image_set` go together"]),
        ("grid/tokenizers.yaml", lambda entries: [entries["fd"].pop(key) for key in ("objective", "image_set")],
         ["entry 'fd'", "needs an `objective`"]),
        ("grid/tokenizers.yaml", setting("clip/id", "clap"), ["unknown key 'id'"]),
        ("grid/tokenizers.yaml", setting("clip", [1, 2]), ["entry 'clip'", "a mapping", "found list"]),
        ("grid/tokenizers.yaml", setting("clip", None), ["entry 'clip'", "label is missing", "encoder is missing"]),
        ("grid/tokenizers.yaml", setting("clip/label", "CLIP\n# x"), ["label", "one line of printable text"]),
        ("grid/tokenizers.yaml", setting("clip/label", "CLIP\x1b[2J"), ["label", "one line of printable text"]),
        ("grid/llms.yaml", setting("vicuna-7b/label", "V" * 1_000_000), ["label", "at most 120 characters"]),
        ("grid/tables.yaml", setting("table-2/labels/Tuning", "recipe.steps"), ["'steps'", "Legal: id, label"]),
        ("grid/tables.yaml", setting("table-2/labels/Tuning", "run.label"), ["labels.Tuning", "'run.label'"]),
        ("grid/tables.yaml", setting("table-2/named_by", "Tokenizer"), ["named_by", "'Visual Tokenizer'?"]),
        ("grid/tables.yaml", setting("table-2/rows/0/not_measured", {"vqa": "no"}), ["not_measured", "'vqav2'?"]),
        ("grid/llms.yaml", setting("vicuna-7b/widht", 3), ["vicuna-7b", "'width'?", "base"]),
        ("grid/recipes.yaml", setting("tuned/steps", -3), ["entry 'tuned'", "steps", "-3"]),
        ("grid/recipes.yaml", setting("tuned/turns", {"vqaa": 1}), ["unknown turns.vqaa 'vqaa'", "'vqa'?"]),
        ("grid/recipes.yaml", setting("frozen/optimiser/lr", 1), ["optimiser", "key 'lr'", "learning_rate"]),
        ("grid/tasks.yaml", setting("vqav2/kind", "vqaa"), ["unknown kind 'vqaa'", "'vqa'?", "identification"]),
        ("grid/tasks.yaml", setting("vqav2/protocol", "strict"), ["'strict'", "released, official, lavis"]),
        ("grid/tables.yaml", setting("table-2/rows/0/seeds", [-1]), ["rows.0.seeds.0", "-1"]),
        ("grid/tables.yaml", setting("table-2/rows", []), ["table-2", "rows"]),
        ("scales/mini.yaml", setting("imgae_sets", {}), ["mini.yaml", "'image_sets'?"]),
        ("scales/mini.yaml", setting("answer_batch", 0), ["answer_batch", "0"]),
        ("scales/mini.yaml", setting("image_sets/web/images", "../../etc"), ["image_sets.web.images", ".."]),
        ("scales/mini.yaml", setting("image_sets/web/images", "/etc"), ["image_sets.web.images", "/etc"]),
        ("scales/mini.yaml", setting("image_sets/web/format", "webdatset"), ["web.format", "'webdataset'?", "llava"]),
        ("scales/mini.yaml", setting("image_sets/web/format", "llava"), ["exactly ['questions']", "found []"]),
        ("scales/mini.yaml", setting("image_sets/web/captions", "a"), ["exactly []", "found ['captions']"]),
        ("scales/mini.yaml", setting("image_sets/objects365/categories", "a"), ["any of", "'categories'"]),
        ("scales/mini.yaml", setting("pretraining/dinno", {}), ["pretraining.dinno", "'dino'?"]),
        ("scales/mini.yaml", setting("resources/score-run", {"gpus": 2}), ["score-run", "tune-mllm", "2 GPUs"]),
        ("scales/mini.yaml", setting("resources/pretrain-tokenizer", {"positions": 8}), ["leave `positions` out"]),
        ("scales/mini.yaml", setting("resources/tune-mllm", {"gpus": 2, "nodes": 3}), ["3 nodes", "found 2"]),
        ("scales/mini.yaml", setting("splits/Dev", {}), ["splits.Dev", "lower-case", "'Dev'"]),
    ],
)  # fmt: skip
def test_a_wrong_key_or_value_is_refused(checkout: Any, file: str, change: Change, said: list[str]) -> None:
    checkout.edit(file, change)
    with pytest.raises(VistokError) as refused:
        checkout.load()
    for part in [file, *said]:
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        (
            "grid/tables.yaml",
            setting("table-2/rows/0/tokenizer", "diet"),
            ["unknown tokenizer 'diet'", "'deit'?", "clip-20m", "workflow/grid/tokenizers.yaml"],
        ),
        ("grid/tables.yaml", setting("table-2/rows/0/recipe", "frozn"), ["'frozn'", "'frozen'?", "recipes.yaml"]),
        ("grid/tables.yaml", setting("table-2/rows/0/llm", "vicuna"), ["unknown llm", "'vicuna-7b'?", "llms.yaml"]),
        ("grid/tables.yaml", setting("table-2/columns/0/task", "vqa"), ["unknown task", "'vqav2'?", "tasks.yaml"]),
        ("grid/llms.yaml", setting("vicuna-7b/base", "llama"), ["unknown llm 'llama'", "'llama-7b'?", "llms.yaml"]),
        ("grid/recipes.yaml", setting("tuned/extends", "forzen"), ["unknown recipe 'forzen'", "'frozen'?"]),
        ("grid/recipes.yaml", setting("tuned/extends", ["frozen"]), ["unknown recipe ['frozen']", "tuned"]),
        ("grid/tokenizers.yaml", setting("clip/image_set", "webb"), ["unknown image set", "'web'?", "mini.yaml"]),
        ("scales/mini.yaml", setting("mixture", ["coco"]), ["unknown image set 'coco'", "objects365", "mini.yaml"]),
        ("scales/mini.yaml", setting("probe_set", "coco"), ["unknown image set 'coco'", "mini.yaml"]),
        ("scales/mini.yaml", setting("models", "mimi"), ["unknown scale 'mimi'", "'mini'?", "workflow/scales"]),
        ("scales/mini.yaml", setting("models", "excerpt"), ["'excerpt'", "no models of its own", "Name a scale"]),
        ("scales/mini.yaml", setting("extends", "papr"), ["unknown scale 'papr'", "'paper'?"]),
        ("scales/mini.yaml", setting("recipes/tunned", {}), ["unknown recipe 'tunned'", "'tuned'?"]),
        ("scales/mini.yaml", setting("tasks/vqa", {"images": ["a"], "references": "b"}), ["task 'vqa'", "'vqav2'?"]),
        ("scales/mini.yaml", setting("splits/dev/vqa", {"images": ["a"], "references": "b"}), ["task 'vqa'"]),
        ("grid/tokenizers.yaml", setting("dino/size", "huge"), ["unknown encoder size 'huge'", "base", "mini.yaml"]),
        ("grid/tokenizers.yaml", setting("fd/teacher", "clap"), ["unknown tokenizer 'clap'", "'clip'?"]),
        ("grid/tokenizers.yaml", setting("fd/base", "dinno"), ["unknown tokenizer 'dinno'", "'dino'?"]),
        ("grid/tokenizers.yaml", setting("fd/teacher", "fd"), ["'fd' is made from itself: fd from fd", "Take one"]),
        ("grid/tokenizers.yaml", setting("clip/base", "fd"), ["made from itself", "clip from fd from clip"]),
        ("scales/mini.yaml", setting("pretraining", {}), ["unknown pretraining 'supervised'", "mini.yaml"]),
    ],
)  # fmt: skip
def test_an_undeclared_id_is_refused(checkout: Any, file: str, change: Change, said: list[str]) -> None:
    checkout.edit(file, change)
    with pytest.raises(VistokError) as refused:
        checkout.load()
    for part in said:
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("file", "hostile"),
    [
        *(("tokenizers", text) for text in HOSTILE),
        *((file, "../x") for file in ("llms", "recipes", "tasks", "tables")),
    ],
)
def test_a_hostile_id_cannot_be_declared(checkout: Any, file: str, hostile: str) -> None:
    checkout.edit(
        f"grid/{file}.yaml", lambda entries: entries.update({hostile: {**next(iter(entries.values()))}})
    )
    with pytest.raises(VistokError, match=rf"workflow/grid/{file}\.yaml"):
        checkout.load()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_scale_cannot_be_asked_for(repository: Path, hostile: str) -> None:
    with pytest.raises(VistokError, match=r"unknown scale .* Legal: .*excerpt, .*mini, .*paper, .*smoke"):
        load_study(hostile, root=repository)


@pytest.mark.parametrize("hostile", [*HOSTILE, "dve"])
def test_a_hostile_split_cannot_be_asked_for(repository: Path, hostile: str) -> None:
    with pytest.raises(VistokError, match=r"unknown split .*Legal: dev, test.*workflow/scales/mini\.yaml"):
        load_study("mini", split=hostile, root=repository)


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_data_root_is_no_default(repository: Path, empty: str) -> None:
    with pytest.raises(VistokError, match="the data root that is given is empty: a variable may be unset"):
        load_study("excerpt", root=repository, data_root=empty)


def test_an_unknown_scale_names_the_nearest(repository: Path) -> None:
    with pytest.raises(VistokError, match=r"unknown scale 'Mini'\. Did you mean 'mini'"):
        load_study("Mini", root=repository)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "is not valid YAML"),
        ("a: !!python/object/apply:os.system [id]", "is not valid YAML"),
        ("\tb", "is not valid YAML"),
        ("\x00", "is not valid YAML"),
        ("a: &a [*a, *b]", "is not valid YAML"),
        ("a: &a {b: [*a]}", "is not valid YAML: it holds itself"),
        ("a: " + "9" * 6000, "is not valid YAML"),
        ("a: !!timestamp x", "is not valid YAML"),
        ("a: !!bool 7", "is not valid YAML"),
        ("a: !!int x", "is not valid YAML"),
        (BOMB, "is not valid YAML: with its aliases it has more than 100,000 values"),
        ("clip: {}\ndino: {}\nclip: {}\n", "the key 'clip' stands twice"),
        ("clip: {encoder: {width: 1, width: 2}}", "the key 'width' stands twice"),
        ("[clip]: {}", "a key is one text"),
        ("? {clip: 1}\n: {}", "a key is one text"),
        ("clip: {width: 0x" + "f" * 9000 + "}", "hundreds of digits"),
        ("", "a mapping from names to values is needed, found NoneType"),
        ("- clip", "found list"),
        ("clip", "found str"),
        ("12: {}", r"found keys \[12\]"),
        ("no: {}", r"found keys \[False\]"),
    ],
)
def test_a_broken_file_is_refused(checkout: Any, text: str, message: str) -> None:
    checkout.write("grid/tokenizers.yaml", text)
    with pytest.raises(VistokError, match=rf"(?s)workflow/grid/tokenizers\.yaml.*{message}"):
        checkout.load()


def test_a_missing_file_is_refused(checkout: Any) -> None:
    (checkout.root / "workflow/grid/llms.yaml").unlink()
    with pytest.raises(VistokError, match=r"llms\.yaml is missing: start vistok in the root of its checkout"):
        checkout.load()
    (checkout.root / "workflow/grid/llms.yaml").mkdir()
    with pytest.raises(VistokError, match=r"grid file cannot be read: .*llms\.yaml: Is a directory"):
        checkout.load()


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="has no scales: start vistok in the root of its checkout"):
        load_study(root=tmp_path)


RECIPES = """
base:
  label: base
  trains: [connector]
  optimiser: {learning_rate: 1.0, warmup_steps: 1, epsilon: 0.5}
  steps: 1
  batch: 1
  turns: {caption: 1, vqa: 1}
  prompts: {caption: c, vqa: v}
middle: {extends: base, batch: 2, optimiser: {warmup_steps: 2}, turns: {vqa: 3}}
leaf: {extends: middle, label: leaf, crop_scale: [0.5, 0.5]}
"""


@pytest.fixture
def recipes(checkout: Any) -> Any:
    checkout.write("grid/recipes.yaml", RECIPES)
    checkout.edit("grid/tables.yaml", _only_leaves)
    checkout.edit("scales/mini.yaml", setting("recipes", {}))
    return checkout


def _only_leaves(tables: Any) -> None:
    for table in tables.values():
        for row in table["rows"]:
            row["recipe"] = "leaf"


def test_a_recipe_is_laid_over_its_parents(recipes: Any) -> None:
    leaf, middle = recipes.load().recipe("leaf"), recipes.load().recipe("middle")
    assert (leaf.id, leaf.label, leaf.batch, leaf.steps, leaf.crop_scale) == (
        "leaf",
        "leaf",
        2,
        1,
        (0.5, 0.5),
    )
    assert (leaf.optimiser.learning_rate, leaf.optimiser.warmup_steps, leaf.optimiser.epsilon) == (1, 2, 0.5)
    assert leaf.turns == {"caption": 1, "vqa": 3}
    assert (middle.label, middle.crop_scale) == ("base", (1.0, 1.0))


def test_a_scale_is_laid_over_recipes_in_order(recipes: Any) -> None:
    """Parent, the scale's `all`, the scale's changes to the parent, the entry, the scale's changes to it."""
    changes: dict[str, Any] = {
        "all": {
            "steps": 10,
            "batch": 10,
            "optimiser": {"learning_rate": 10.0, "warmup_steps": 10, "epsilon": 10.0},
        },
        "base": {"steps": 20},
        "leaf": {"optimiser": {"epsilon": 30.0}},
    }
    recipes.edit("scales/mini.yaml", setting("recipes", changes))
    study = recipes.load()
    base, middle, leaf = (study.recipe(name) for name in ("base", "middle", "leaf"))
    assert [recipe.steps for recipe in (base, middle, leaf)] == [20, 20, 20]
    assert [recipe.batch for recipe in (base, middle, leaf)] == [10, 2, 2]
    assert [recipe.optimiser.learning_rate for recipe in (base, middle, leaf)] == [10, 10, 10]
    assert [recipe.optimiser.warmup_steps for recipe in (base, middle, leaf)] == [10, 2, 2]
    assert [recipe.optimiser.epsilon for recipe in (base, middle, leaf)] == [10, 10, 30]


def test_a_scale_gives_a_connector_its_size_by_kind(recipes: Any) -> None:
    """A recipe that is made from one of another kind takes nothing of that one's connector."""

    def other_kinds(entries: Any) -> None:
        entries["base"]["connector"] = {"kind": "resampler", "latents": 64, "depth": 5}
        entries["middle"]["connector"] = {"latents": 7}
        entries["leaf"]["connector"] = {"kind": "linear"}

    recipes.edit("grid/recipes.yaml", other_kinds)
    recipes.edit("scales/mini.yaml", setting("connectors", {"resampler": {"latents": 3, "heads": 2}}))
    recipes.edit("scales/mini.yaml", setting("recipes", {"base": {"connector": {"heads": 1}}}))
    study = recipes.load()
    base, middle, leaf = (study.recipe(name).connector for name in ("base", "middle", "leaf"))
    assert base == Resampler(latents=3, depth=5, heads=1)
    assert middle == Resampler(latents=7, depth=5, heads=1)
    assert leaf == Linear()


@pytest.mark.parametrize(
    ("connector", "message"),
    [
        ({"latents": 3}, r"connector\.kind is missing"),
        (
            {"kind": "lineal"},
            r"unknown connector\.kind 'lineal'\. Did you mean 'linear'\? Legal: frozen-q-former, "
            "gated-cross-attention, linear, mlp, q-former, resampler",
        ),
        ({"kind": "linear", "latents": 3}, r"connector\.linear: unknown key 'latents'"),
        ({"kind": "resampler", "latents": 0}, r"connector\.resampler\.latents: .* greater than 0"),
    ],
)
def test_a_wrong_connector_is_explained(recipes: Any, connector: dict[str, Any], message: str) -> None:
    recipes.edit("scales/mini.yaml", setting("connectors", {}))
    recipes.edit("grid/recipes.yaml", lambda entries: entries["base"].update(connector=connector))
    with pytest.raises(VistokError, match=rf"(?s)recipes\.yaml.*entry 'base'.*{message}"):
        recipes.load()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"trains": ["tokenizer"]},
            r"names .* the connector, which nothing else makes; found \['tokenizer'\]",
        ),
        ({"trains": ["connector", "connector"]}, "`trains` names each trained part once"),
        (
            {"trains": ["connector", "lm"]},
            r"unknown trains\.1 'lm'\. Did you mean 'llm'\? Legal: connector, llm, tokenizer, "
            "tokenizer-last-block",
        ),
        (
            {"trains": ["connector", "tokenizer", "tokenizer-last-block"]},
            "`tokenizer-last-block` is a part of the tokenizer: name either of the two",
        ),
        (
            {"trains": ["connector", "tokenizer-last-block"], "tap": {"block": "one-before"}},
            "and no `tap` in front of that block",
        ),
        ({"trains": ["connector"], "rates": {"llm": 0.1}}, "`rates` names 'llm', which `trains` does not"),
    ],
)
def test_a_recipe_trains_parts_that_there_are(recipes: Any, change: dict[str, Any], message: str) -> None:
    recipes.edit("grid/recipes.yaml", lambda entries: entries["base"].update(change))
    with pytest.raises(VistokError, match=message):
        recipes.load()


@pytest.mark.parametrize(
    ("parents", "circle"),
    [
        ({"base": "leaf"}, "base from leaf from middle from base"),
        ({"base": "base"}, "base from base"),
        ({"middle": "leaf"}, "middle from leaf from middle"),
    ],
)
def test_a_recipe_that_extends_itself_is_refused(recipes: Any, parents: dict[str, str], circle: str) -> None:
    for name, parent in parents.items():
        recipes.edit("grid/recipes.yaml", setting(f"{name}/extends", parent))
    with pytest.raises(VistokError, match=rf"recipes\.yaml: recipe '\w+' is made from itself: {circle}"):
        recipes.load()


def test_a_language_model_or_scale_made_from_itself_is_refused(checkout: Any) -> None:
    checkout.edit("grid/llms.yaml", setting("llama-7b/base", "vicuna-7b"))
    with pytest.raises(VistokError, match=r"llms\.yaml: llm 'llama-7b' is made from itself"):
        checkout.load()
    checkout.edit("scales/mini.yaml", setting("extends", "smoke"))
    with pytest.raises(VistokError, match="scale 'smoke' is made from itself: smoke from mini from smoke"):
        checkout.load("smoke")


def test_no_recipe_is_called_all(recipes: Any) -> None:
    recipes.edit("grid/recipes.yaml", setting("all", {"extends": "base"}))
    with pytest.raises(VistokError, match="no recipe can be called 'all'"):
        recipes.load()


def test_what_a_scale_changes_is_checked_and_named(checkout: Any) -> None:
    checkout.edit("scales/mini.yaml", setting("task_kinds/vqa/promt", "?"))
    with pytest.raises(
        VistokError, match=r"tasks\.yaml \(with workflow/scales/mini\.yaml over it\), entry 'vqav2'"
    ):
        checkout.load()


def test_a_scale_changes_the_tasks_of_a_kind(checkout: Any) -> None:
    checkout.edit(
        "scales/mini.yaml", setting("task_kinds", {"counting": {"decoding": {"max_new_tokens": 7}}})
    )
    study, paper = checkout.load(), checkout.load("paper")
    assert {
        task.id for task in study.tasks.values() if task.decoding and task.decoding.max_new_tokens == 7
    } == {
        "coco-oc",
        "coco-oc-differ",
        "vcr-oc",
    }
    assert study.task("coco-oc").prompt == paper.task("coco-oc").prompt
    assert study.task("coco-mci") == paper.task("coco-mci")


def test_a_scale_is_laid_over_the_one_that_it_extends(checkout: Any) -> None:
    mini, smoke = checkout.load("mini").scale, checkout.load("smoke").scale
    assert smoke.encoders == mini.encoders
    assert smoke.world is not None
    assert mini.world is not None
    assert smoke.world.keys() == mini.world.keys()
    assert smoke.world["seed"] == mini.world["seed"]
    assert smoke.world["coco_train"] < mini.world["coco_train"]


def test_the_data_root_can_be_named(repository: Path) -> None:
    study = load_study("excerpt", root=repository, data_root="/somewhere")
    assert study.scale.data_root == "/somewhere"
    assert study.models_study.scale.data_root == "data/mini"


def test_a_scale_that_makes_its_own_data_takes_no_data_root(repository: Path) -> None:
    with pytest.raises(VistokError, match=r"'mini' makes its own data: no data_root can be given\. Leave it"):
        load_study("mini", root=repository, data_root="/somewhere")


def test_a_row_that_stands_twice_is_refused(checkout: Any) -> None:
    checkout.edit(
        "grid/tables.yaml",
        lambda tables: tables["table-2"]["rows"].append(dict(tables["table-2"]["rows"][1])),
    )
    with pytest.raises(
        VistokError, match=r"entry 'table-2':\n  row \d+ is row 2 once more: take one of them out"
    ):
        checkout.load()


def test_rows_that_declare_no_seeds_are_repeated(checkout: Any) -> None:
    once, thrice = (checkout.load(seeds=seeds).table("table-2") for seeds in (1, 3))
    clip = [row for row in once.rows if row.seeds == (0, 1, 2)]
    assert [(row.tokenizer, row.recipe) for row in clip] == [("clip", "frozen")]
    assert {row.seeds for row in once.rows if row not in clip} == {(0,)}
    assert {row.seeds for row in thrice.rows} == {(0, 1, 2)}
    assert [row for row in checkout.load(seeds=2).table("table-2").rows if row.seeds != (0, 1)] == clip


@pytest.mark.parametrize("seeds", [0, -1, 101, True, 1.5, "three", None])
def test_what_is_no_number_of_seeds_is_refused(checkout: Any, seeds: object) -> None:
    said = re.escape(f"seeds={seeds!r}: how often each row is trained is a whole number from 1 to 100")
    with pytest.raises(VistokError, match=said):
        checkout.load(seeds=seeds)


@pytest.mark.parametrize(
    ("entry", "change", "message"),
    [
        ("blip-2", {"follows": {"recipe": "blip2"}}, "unknown recipe 'blip2'"),
        ("blip-2", {"follows": {"recipe": "blip-2"}}, "'blip-2' is made from itself"),
        ("minigpt-4", {"follows": {"recipe": "blip-2", "llm": "flan"}}, "unknown llm 'flan'"),
        ("minigpt-4", {"follows": None}, r"a part of a frozen-q-former stays .*name that under `follows`"),
        (
            "blip-2",
            {"follows": {"recipe": "flamingo"}},
            "follows 'flamingo', whose connector is not the same",
        ),
        ("linear", {"learns": "image-text"}, r"`learns: image-text` is for a connector of kind q-former"),
        ("blip-2", {"learns": "image-text"}, "trained alone on turns of kind caption"),
        ("blip-2", {"learns": "images"}, "learns"),
    ],
)
def test_a_wrong_stage_is_explained(checkout: Any, entry: str, change: dict[str, Any], message: str) -> None:
    checkout.edit("grid/recipes.yaml", lambda recipes: recipes[entry].update(change))
    with pytest.raises(VistokError, match=rf"(?s)workflow/grid/.*{message}|{message}.*workflow/grid/"):
        checkout.load()


def test_a_first_stage_is_no_row(checkout: Any) -> None:
    def show(tables: Any) -> None:
        tables["table-2"]["rows"][0]["recipe"] = "blip-2-alignment"

    checkout.edit("grid/tables.yaml", show)
    with pytest.raises(
        VistokError, match=r"a first stage, which answers nothing\. Name a recipe that follows"
    ):
        checkout.load()
