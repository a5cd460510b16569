"""The one error that users read."""

from vistok.errors import unknown


def test_an_unknown_name_is_told_with_the_nearest_and_the_legal_ones() -> None:
    error = unknown("tokenizer", "clp", ["dino", "clip"], edit="workflow/grid/tokenizers.yaml")
    assert str(error) == (
        "unknown tokenizer 'clp'. Did you mean 'clip'? Legal: clip, dino. To add it, edit "
        "workflow/grid/tokenizers.yaml."
    )


def test_case_does_not_hide_the_nearest() -> None:
    assert "Did you mean 'coco-oc'?" in str(unknown("task", "COCO-OC", ["coco-oc", "coco-mci"]))


def test_nothing_near_nothing_legal_and_no_text() -> None:
    assert str(unknown("split", "x", ["test"])) == "unknown split 'x'. Legal: test."
    assert str(unknown("split", None, [])) == "unknown split None. Legal: none."
