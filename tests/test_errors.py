"""The one error that users read."""

import pytest

from vistok.errors import VistokError, printable, unknown


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


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("\x1b]0;title\x07\x1b[2J", "\\x1b]0;title\\x07\\x1b[2J"),
        ("a\nvistok: the run is finished and correct", "a vistok: the run is finished and correct"),
        ("a\r\u2028\u2029b\tc", "a   b c"),
        ("\u202egpj.exe\u2066", "\\u202egpj.exe\\u2066"),
        ("\udcff\x9b", "\\udcff\\x9b"),
        ("\u200fa\u200b\ufeff\U000e0041", "\\u200fa\\u200b\\ufeff\\U000e0041"),
        ("na\xefve \u732b \U0001f431", "na\xefve \u732b \U0001f431"),
    ],
)
def test_what_a_file_brings_steers_no_terminal_and_starts_no_line(foreign: str, shown: str) -> None:
    assert str(VistokError(f"image {foreign} not found")) == f"image {shown} not found"
    assert printable(foreign) == shown
    str(VistokError(foreign)).encode()


def test_a_message_of_several_lines_keeps_them() -> None:
    assert (
        str(VistokError("tables.yaml:\n  rows.0: a\x1b\n  rows.1: b"))
        == "tables.yaml:\n  rows.0: a\\x1b\n  rows.1: b"
    )
