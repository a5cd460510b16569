"""Answers in other tools' shapes score as the plain form does; what is misaligned or foreign is refused."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from vistok.errors import VistokError
from vistok.evaluation.references import load_references
from vistok.evaluation.score.files import score_answers_to
from vistok.files import write_json

OBJECTS = ("dog", "cat", "car", "cup")
PHOTOGRAPHS = (139, 285, 632, 724)
COUNTS = ("2", "There is **one**.\n", "3", "=5")
LABELS = ("yes", "no", "yes", "yes")
YES_NO = ("Yes", "no", "Yes, there is.", "No")
HERE = Path(__file__).parent
Rows = list[dict[str, Any]]


def counting_questions() -> Rows:
    return [
        {
            "image_id": image,
            "text_in": f"How many {name}s are there in the image?",
            "text_out": right,
            "n_obj_exist": 3,
        }
        for image, name, right in zip(PHOTOGRAPHS, OBJECTS, "2134", strict=True)
    ]


def identification_questions() -> Rows:
    return [
        {
            "image_id": image,
            "text_in": f"Does {name} exist in the image?",
            "text_out": right,
            "n_obj_exist": 3,
        }
        for image, name, right in zip(PHOTOGRAPHS, OBJECTS, ("Yes.", "No.", "Yes.", "Yes."), strict=True)
    ]


def vqa_annotations() -> dict[str, Rows]:
    return {
        "annotations": [
            {"question_id": 1000 * image, "image_id": image, "answers": [{"answer": right}] * 10}
            for image, right in zip(PHOTOGRAPHS, ("yes", "2", "red", "no"), strict=True)
        ]
    }


def captions() -> dict[str, Rows]:
    texts = ("a dog on a mat", "two cats sleep", "a red car", "cups of tea")
    return {
        "images": [{"id": image} for image in PHOTOGRAPHS],
        "annotations": [
            {"id": number, "image_id": image, "caption": text}
            for number, (image, text) in enumerate(zip(PHOTOGRAPHS, texts, strict=True))
        ],
    }


REFERENCES = {
    "counting": counting_questions(),
    "identification": identification_questions(),
    "vqa": vqa_annotations(),
    "caption": captions(),
}
ANSWERS: dict[str, dict[int, str]] = {
    "counting": dict(enumerate(COUNTS)),
    "identification": dict(enumerate(YES_NO)),
    "vqa": dict(zip((1000 * image for image in PHOTOGRAPHS), ("yes", "3", "red", "maybe"), strict=True)),
    "caption": dict(zip(PHOTOGRAPHS, ("a dog", "cats sleep", "a blue car", "tea"), strict=True)),
}


def json_lines(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def json_list(rows: Rows) -> bytes:
    return json.dumps(rows).encode()


def table(rows: Rows, *, delimiter: str, quoting: int) -> bytes:
    """As pandas writes a frame with `to_csv(index=False)`, which VLMEvalKit does with a tab and QUOTE_ALL."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, rows[0], delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def llava(kind: str) -> Rows:
    """`model_vqa_loader.py`: one record per question, under the id of the question file."""
    return [
        {
            "question_id": key,
            "prompt": f"{question_of(kind, key)}\nAnswer the question using a single word or phrase.",
            "text": answer,
            "answer_id": f"Xy{key}",
            "model_id": "llava-v1.5-7b",
            "metadata": {},
        }
        for key, answer in ANSWERS[kind].items()
    ]


def question_of(kind: str, key: int) -> str:
    return str(REFERENCES[kind][key]["text_in"]) if kind in ("counting", "identification") else "What is it?"


def lmms_eval(kind: str) -> Rows:
    """`save_results_samples`: `doc` is popped from the log, which metrics keep the ids of."""
    metric = {
        "vqa": lambda key, answer: {"exact_match": 0.3, "submission": {"question_id": key, "answer": answer}},
        "caption": lambda key, answer: {"coco_CIDEr": {"answer": ["a dog"], "pred": answer, "image_id": key}},
    }.get(kind, lambda key, answer: {"exact_match": {"question": question_of(kind, key), "score": 1.0}})
    return [
        {
            "doc_id": number, "target": "['yes']", "filtered_resps": [answer], "doc_hash": "0a", "prompt_hash": "1b",
            "target_hash": "2c", **metric(key, answer), "input": f"{question_of(kind, key)}\nAnswer shortly.",
        }
        for number, (key, answer) in enumerate(ANSWERS[kind].items())
    ]  # fmt: skip


def vlmevalkit(kind: str) -> Rows:
    """The data set's columns but the image's bytes, `answer` what is right, and the model's `prediction`."""
    return [
        {"index": key, "question": question_of(kind, key), "answer": "right", "prediction": answer}
        for key, answer in ANSWERS[kind].items()
    ]


def pope(kind: str) -> Rows:
    """The answer file of POPE's `evaluate.py`: the questions in their order, and no id."""
    return [{"question": question_of(kind, key), "answer": answer} for key, answer in ANSWERS[kind].items()]


def official(answer: str, name: str) -> Callable[[str], Rows]:
    return lambda kind: [{name: key, answer: said} for key, said in ANSWERS[kind].items()]


def comma(rows: Rows) -> bytes:
    return table(rows, delimiter=",", quoting=csv.QUOTE_MINIMAL)


def tabs(rows: Rows) -> bytes:
    return table(rows, delimiter="\t", quoting=csv.QUOTE_ALL)


SHAPES: dict[str, tuple[str, Callable[[str], Rows], Callable[[Rows], bytes]]] = {
    "official VQAv2": ("vqa", official("answer", "question_id"), json_list),
    "official COCO": ("caption", official("caption", "image_id"), json_list),
    "LLaVA VQA": ("vqa", llava, json_lines),
    "LLaVA counting": ("counting", llava, json_lines),
    "lmms-eval VQA": ("vqa", lmms_eval, json_lines),
    "lmms-eval captions": ("caption", lmms_eval, json_lines),
    "lmms-eval counting": ("counting", lmms_eval, json_lines),
    "VLMEvalKit TSV": ("identification", vlmevalkit, tabs),
    "VLMEvalKit JSON": ("counting", vlmevalkit, json_list),
    "POPE lines": ("identification", pope, json_lines),
    "POPE list": ("identification", pope, json_list),
    "CSV": ("counting", official("answer", "id"), comma),
    "CSV of captions": ("caption", official("caption", "image_id"), comma),
    "TSV": ("vqa", official("prediction", "question_id"), tabs),
}


def scored(kind: str, folder: Path, data: bytes, **options: Any) -> Mapping[str, Any]:
    (folder / "references.json").write_text(json.dumps(REFERENCES[kind]))
    (folder / "predictions").write_bytes(data)
    score = score_answers_to(
        kind, references=folder / "references.json", predictions=folder / "predictions",
        caption_metrics=("CIDEr",), **options,
    )  # fmt: skip
    return score.report


def plain(kind: str, folder: Path) -> Mapping[str, Any]:
    return scored(
        kind, folder, json_lines([{"id": key, "answer": answer} for key, answer in ANSWERS[kind].items()])
    )


@pytest.mark.parametrize("name", SHAPES)
def test_a_file_in_another_tools_shape_scores_as_the_plain_one(tmp_path: Path, name: str) -> None:
    kind, rows, written = SHAPES[name]
    expected = plain(kind, tmp_path)
    assert 0 < expected["metrics"]["CIDEr" if kind == "caption" else "accuracy"] < 1000
    data = written(rows(kind))
    assert scored(kind, tmp_path, data) == expected
    assert scored(kind, tmp_path, gzip.compress(data)) == expected
    assert scored(kind, tmp_path, b"\xef\xbb\xbf" + data) == expected


def test_a_workbook_that_xlsxwriter_wrote_for_vlmevalkit(tmp_path: Path) -> None:
    expected = plain("counting", tmp_path)
    data = (HERE / "vlmevalkit.xlsx").read_bytes()
    assert scored("counting", tmp_path, data) == expected
    assert scored("counting", tmp_path, gzip.compress(data)) == expected


def workbook(sheet: str, *, relation: str = "worksheets/sheet1.xml") -> bytes:
    """A workbook as openpyxl lays it out, with texts in the cells themselves."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    other = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml", f'<workbook {main} {other}><sheets><sheet r:id="r1"/></sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships><Relationship Id="r1" Target="{relation}"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{sheet}</sheetData></worksheet>"
        )
    return stream.getvalue()


def inline(name: str, text: str) -> str:
    return f'<c r="{name}" t="inlineStr"><is><t>{text}</t></is></c>'


def test_cells_of_a_workbook_may_be_numbers_texts_or_missing(tmp_path: Path) -> None:
    header = "".join(
        inline(f"{column}1", name) for column, name in zip("ABC", ("id", "x", "answer"), strict=True)
    )
    said = ("<v>2</v>", "<v>1.0</v>", None, None)
    lines = [
        f'<row><c r="A{n}"><v>{n - 2}</v></c>'
        + (f'<c r="C{n}">{each}</c>' if each else inline(f"C{n}", "a_x000D_3"))
        + "</row>"
        for n, each in enumerate(said, 2)
    ]
    result = scored("counting", tmp_path, workbook(f"<row>{header}</row>{''.join(lines)}"))
    assert result["metrics"]["accuracy"] == 75.0


def test_hostile_workbooks_are_refused(tmp_path: Path) -> None:
    content = (HERE / "vlmevalkit.xlsx").read_bytes()
    bomb = workbook("<row></row>" * (1 << 23))
    for data, message in (
        (content[:-40], "not a whole Excel workbook"),
        (workbook("<row>"), "not a whole Excel workbook"),
        (workbook("", relation="worksheets/none.xml"), "not a whole Excel workbook"),
        (workbook('<row><c r="ZZZZZZ1"><v>1</v></c></row>'), "not a whole Excel workbook"),
        (workbook("<!DOCTYPE x []><row/>"), "not a whole Excel workbook.*entities"),
        (bomb, "unpacks to more than 100 times its size"),
    ):
        with pytest.raises(VistokError, match=message):
            scored("counting", tmp_path, data)


def shifted(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> Rows:
    """The records of a file that is off by a line: each keeps its id and has the next one's contents."""
    return [{**row, **{key: following[key] for key in keys}} for row, following in pairwise(rows)]


OWN = [
    {"id": number, "image_id": image, "question": question["text_in"], "answer": said}
    for number, (image, question, said) in enumerate(
        zip(PHOTOGRAPHS, REFERENCES["counting"], COUNTS, strict=True)
    )
]


@pytest.mark.parametrize("kept", [("image_id",), ("question",), ("image_id", "question")])
@pytest.mark.parametrize("written", [json_lines, json_list, comma, tabs])
def test_a_file_that_is_off_by_a_line_is_refused(
    tmp_path: Path, written: Callable[[Rows], bytes], kept: tuple[str, ...]
) -> None:
    def told(rows: Rows) -> bytes:
        return written([{key: row[key] for key in ("id", "answer", *kept)} for row in rows])

    assert scored("counting", tmp_path, told(OWN), only_answered=True)["n"] == 4
    wrong = shifted(OWN, ("image_id", "question", "answer"))
    with pytest.raises(
        VistokError, match=r"3 of 3 answers are about another image or question .*first: id 0.*off by a line"
    ):
        scored("counting", tmp_path, told(wrong), only_answered=True)


@pytest.mark.parametrize(
    ("key", "of"),
    [
        ("imageId", "image_id"), ("img_id", "image_id"), ("image_path", "photograph"), ("file_name", "photograph"),
        ("Image", "photograph"), ("Question", "question"), ("instruction", "question"), ("textIn", "question"),
    ],
)  # fmt: skip
def test_a_line_may_tell_its_image_or_question_under_any_usual_name(
    tmp_path: Path, key: str, of: str
) -> None:
    told = [row | {"photograph": f"coco/val2017/{row['image_id']:012d}.jpg"} for row in OWN]
    rows = [{"id": row["id"], "answer": row["answer"], key: row[of]} for row in told]
    assert scored("counting", tmp_path, json_lines(rows), only_answered=True)["n"] == 4
    with pytest.raises(VistokError, match=f"another image or question .*'{key}'"):
        scored("counting", tmp_path, json_lines(shifted(rows, (key, "answer"))), only_answered=True)


@pytest.mark.parametrize(
    "told",
    [
        lambda row: {"problem": row["question"]},
        lambda row: {"text": f"{row['question']}\nAnswer with a number."},
        lambda row: {"conversations": [{"from": "human", "value": f"<image>\n{row['question']}"}]},
        lambda row: {"messages": [{"role": "user", "content": [{"type": "text", "text": row["question"]}]}]},
        lambda row: {"source": f"http://images.invalid/{row['image_id']:012d}.jpg"},
        lambda row: {"images": [f"coco/val2017/{row['image_id']:012d}.jpg"]},
        lambda row: {"coco_id": row["image_id"]},
    ],
    ids=["problem", "text", "conversations", "messages", "source", "images", "coco_id"],
)
def test_a_line_may_tell_its_image_or_question_anywhere(
    tmp_path: Path, told: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    rows = [{"id": row["id"], "answer": row["answer"]} | told(row) for row in OWN]
    (key,) = told(OWN[0])
    assert scored("counting", tmp_path, json_lines(rows), only_answered=True)["n"] == 4
    with pytest.raises(VistokError, match=f"3 of 3 answers are about another image or question .*'{key}'"):
        scored("counting", tmp_path, json_lines(shifted(rows, (key, "answer"))), only_answered=True)


def test_a_question_quoted_beside_the_one_that_is_asked_is_no_other_one(tmp_path: Path) -> None:
    """As examples before a question are."""
    asked = [row["question"] for row in OWN]
    rows = [
        {"id": row["id"], "answer": row["answer"], "turns": [*asked[: row["id"]], row["question"]]}
        for row in OWN
    ]
    assert scored("counting", tmp_path, json_lines(rows))["n"] == 4


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("LLaVA counting", ("prompt", "text")),
        ("lmms-eval counting", ("input", "filtered_resps", "exact_match")),
        ("VLMEvalKit TSV", ("question", "prediction")),
        ("POPE lines", ("question", "answer")),
    ],
)
def test_other_tools_files_that_are_off_by_a_line_are_refused(
    tmp_path: Path, name: str, keys: tuple[str, ...]
) -> None:
    kind, rows, written = SHAPES[name]
    with pytest.raises(VistokError, match=r"another image or question|do not say the image or the question"):
        scored(kind, tmp_path, written(shifted(rows(kind), keys)), only_answered=True)


@pytest.mark.parametrize(
    "image",
    ["COCO_val2014_000000000139.jpg", "000000000139", "coco/val2017/000000000139.jpg", 139, 139.0, "139"],
)
def test_an_image_may_be_named_in_any_way(tmp_path: Path, image: object) -> None:
    for key in ("image_id", "image"):
        data = json_lines([{"id": 0, "answer": "2", key: image}])
        assert scored("counting", tmp_path, data, only_answered=True)["metrics"]["accuracy"] == 100.0
        with pytest.raises(VistokError, match="another image or question"):
            scored(
                "counting", tmp_path, json_lines([{"id": 1, "answer": "2", key: image}]), only_answered=True
            )


@pytest.mark.parametrize("key", ["image_id", "image", "imageId", "source"])
@pytest.mark.parametrize("named", ["{}", "{}.jpg", "train_images/{}.jpg"])
def test_an_image_without_a_number_may_be_named_without_its_suffix(
    tmp_path: Path, key: str, named: str
) -> None:
    """As TextVQA's and GQA's own files name theirs."""
    images = ["0a8ae2ef43b9", "1b8ae2ef43b9"]
    asked = [
        {"question_id": number, "image_id": image, "question": "what?", "answers": ["a"] * 10}
        for number, image in enumerate(images)
    ]
    write_json(tmp_path / "textvqa.json", {"data": asked})
    identities = load_references("textvqa", tmp_path / "textvqa.json").identities
    said = [{key: named.format(image)} for image in images]
    assert [identities.agrees(row, number) for number, row in enumerate(said)] == [True, True]
    assert [identities.agrees(row, 1 - number) for number, row in enumerate(said)] == [False, False]


def test_a_prompt_may_word_its_question_anew(tmp_path: Path) -> None:
    rows: Rows = [
        {"id": 0, "answer": "2", "prompt": "Count the dogs.", "image": "data:image/png;base64,AAAA"}
    ]
    assert scored("counting", tmp_path, json_lines(rows), only_answered=True)["n"] == 1


def test_positions_in_another_tools_list_need_more_than_the_position(tmp_path: Path) -> None:
    rows: Rows = [{"index": number, "prediction": "yes"} for number in range(4)]
    with pytest.raises(VistokError, match="4 of 4 records are told apart by their index alone"):
        scored("vqa", tmp_path, tabs(rows))
    rows = [
        {"index": number, "image_id": image, "prediction": "yes"} for number, image in enumerate(PHOTOGRAPHS)
    ]
    assert scored("vqa", tmp_path, tabs(rows))["metrics"]["accuracy"] == 25.0
    with pytest.raises(VistokError, match="3 of 4 records are told apart by their order alone"):
        scored(
            "identification", tmp_path, json_list([*pope("identification")[:1], *pope("identification")[:3]])
        )


@pytest.mark.parametrize(("said", "accuracy"), [(2, 100.0), (2.0, 100.0), (2.5, 0.0), (-2, 0.0)])
def test_a_number_is_an_answer(tmp_path: Path, said: float, accuracy: float) -> None:
    data = json_lines([{"id": 0, "answer": said}])
    assert scored("counting", tmp_path, data, only_answered=True)["metrics"]["accuracy"] == accuracy


@pytest.mark.parametrize("said", [True, None, {"a": 1}, ["2"], float("inf")])
def test_what_is_no_text_and_no_number_is_none(tmp_path: Path, said: object) -> None:
    with pytest.raises(VistokError, match="1 answers that are no text"):
        scored("counting", tmp_path, json_lines([{"id": 0, "answer": said}]), only_answered=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html><body>404</body></html>", "neither JSON nor a table"),
        (b"0\t2\n1\t3\n", "neither JSON nor a table"),
        (b"id,truth\n0,2\n", "neither JSON nor a table.*names no id or no answer"),
        (b'id,answer\n0,"2\n', "not valid CSV"),
        (b"id,answer\n0,2,3\n", "row 2: 2 cells are needed, found 3"),
        (b"id,answer\n0,2\n1", "row 3: 2 cells are needed, found 1. It may be truncated"),
        (b"id,answer,Answer\n0,2,3\n", "two columns called answer"),
        (b'[{"id": 0, "answer": "2"}, 7]', "record 1: a JSON object is needed, found 7"),
        (b'[{"id": 0, "answer": "2"}, {"id', "may be truncated"),
        (b'{\n "id": 0}\n{\n "id": 1\n "answer": "2"}', "Expecting ','"),
        (b'{"id": 0, "answer": "2"', "line 1, is not valid JSON.*may be truncated"),
        (b'{\n "results": {"a": 1}\n}', "one JSON object with the keys results"),
        (b'{"id": 0, "label": "yes", "text": "Is there a dog?"}', "1 answers that are no text"),
        (b'{"who": 0, "answer": "yes"}', "none of id, question_id"),
        (b'{"id": 0, "truth": "yes"}', "none of prediction"),
        (b"PAR1abc", "it is a Parquet file"),
        ("id,answer\n0,zw\xf6lf\n".encode("latin-1"), "line 2, is not text in UTF-8"),
    ],
)
def test_a_file_of_no_known_shape_is_named_for_what_it_is(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(VistokError, match=message) as refused:
        scored("identification", tmp_path, data)
    assert ("truncated" in str(refused.value)) == ("truncated" in message)


def test_one_object_in_several_lines_may_hold_the_list(tmp_path: Path) -> None:
    rows = official("answer", "question_id")("vqa")
    data = json.dumps({"model": "m", "results": rows}, indent=1).encode()
    assert scored("vqa", tmp_path, data) == plain("vqa", tmp_path)


@pytest.mark.parametrize(
    "written",
    [
        lambda rows: json.dumps({row["question_id"]: row["answer"] for row in rows}).encode(),
        lambda rows: json.dumps({row["question_id"]: row["answer"] for row in rows}, indent=1).encode(),
        lambda rows: json.dumps({"version": "1", "results": rows}).encode(),
        lambda rows: "\n".join(json.dumps(row, indent=2) for row in rows).encode(),
        lambda rows: json_lines(rows).replace(b"\n", b" "),
        lambda rows: b"\x1e" + json_lines(rows).replace(b"\n", b"\n\x1e"),
        lambda rows: json_lines([{key.title(): value for key, value in row.items()} for row in rows]),
        lambda rows: json_lines(rows).replace(b"\n", b"\r\n"),
        lambda rows: json_lines(rows).replace(b"\n", b"\r"),
        lambda rows: b"sep=;\r\n" + table(rows, delimiter=";", quoting=csv.QUOTE_MINIMAL),
        lambda rows: table(rows, delimiter="|", quoting=csv.QUOTE_MINIMAL),
        lambda rows: comma([row | {"question_id": f"{row['question_id']}.0"} for row in rows]),
        lambda rows: tabs(rows).decode().encode("utf-16"),
    ],
    ids=["by id", "by id in lines", "wrapped", "spread", "in a line", "sequence", "capitals", "crlf",
         "cr", "sep", "bars", "floats", "utf-16"],
)  # fmt: skip
def test_unusual_ways_to_write_the_same_records(tmp_path: Path, written: Callable[[Rows], bytes]) -> None:
    data = written(official("answer", "question_id")("vqa"))
    assert (
        scored("vqa", tmp_path, data)
        == scored("vqa", tmp_path, gzip.compress(data))
        == plain("vqa", tmp_path)
    )


def pope_labels() -> Rows:
    """The question file of POPE, `coco_pope_random.json`: JSON Lines in spite of its name."""
    return [
        {"question_id": number, "image": f"COCO_val2014_{image:012d}.jpg", "text": f"Is there a {name} in the image?",
         "label": label}
        for number, image, name, label in zip((1, 2, 3, 4), PHOTOGRAPHS, OBJECTS, LABELS, strict=True)
    ]  # fmt: skip


def test_popes_own_questions_are_references(tmp_path: Path) -> None:
    (tmp_path / "pope.json").write_bytes(json_lines(pope_labels()))
    expected = plain("identification", tmp_path)
    answers = {
        "answers": [
            {"question": row["text"], "answer": said} for row, said in zip(pope_labels(), YES_NO, strict=True)
        ],
        "LLaVA": [
            {"question_id": row["question_id"], "prompt": f"{row['text']}\nAnswer shortly.", "text": said}
            for row, said in zip(pope_labels(), YES_NO, strict=True)
        ],
        "plain": [
            {"id": n, "image_id": image, "answer": said}
            for n, image, said in zip((1, 2, 3, 4), PHOTOGRAPHS, YES_NO, strict=True)
        ],
    }
    for rows in answers.values():
        (tmp_path / "answers").write_bytes(json_lines(rows))
        result = score_answers_to(
            "identification", references=tmp_path / "pope.json", predictions=tmp_path / "answers"
        ).report
        assert (result["metrics"], result["by_type"]) == (expected["metrics"], {})
    (tmp_path / "answers").write_bytes(json_lines(shifted(answers["LLaVA"], ("prompt", "text"))))
    with pytest.raises(VistokError, match="3 of 3 answers are about another image or question"):
        score_answers_to(
            "identification",
            references=tmp_path / "pope.json",
            predictions=tmp_path / "answers",
            only_answered=True,
        )


@pytest.mark.parametrize(
    "change",
    [{"label": "maybe"}, {"text": None}, {"question_id": "1"}, {"question_id": 2}, {"question_id": True}],
)
def test_wrong_pope_files_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    rows = pope_labels()
    (tmp_path / "pope.json").write_bytes(json_lines([{**rows[0], **change}, *rows[1:]]))
    with pytest.raises(
        VistokError, match=r"record 1: question_id, image, text and a label|occur more than once"
    ):
        load_references("identification", tmp_path / "pope.json")
