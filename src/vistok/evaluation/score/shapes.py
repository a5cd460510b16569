"""Reads files of answers in the shapes that evaluation tools write, with their information about the questions.

| written by | file | id | answer |
|---|---|---|---|
| vistok, anybody | JSON Lines | id | answer, or losses |
| the official VQAv2 and COCO tools | a JSON list | question_id; image_id | answer; caption |
| LLaVA `model_vqa*.py` | JSON Lines | question_id | text |
| lmms-eval `--log_samples` | JSON Lines | in `doc` or in a metric, or doc_id, a position | filtered_resps |
| VLMEvalKit | XLSX, TSV or a JSON list | index, a position | prediction |
| POPE | JSON Lines or a JSON list | none: in the order of the questions, which stand beside | answer |
| a spreadsheet | CSV or TSV with a first line of names | any of these | any of these |
| anybody | one JSON object | its keys, or those of the list of records in it | its values, or those of that list |

Each may be gzipped.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError
from vistok.evaluation.score.workbook import read_sheet
from vistok.reading import decoded, json_values, kind_of, not_json, parse_json, parse_jsonl, read_data

WHAT: Final = "predictions"
IDS: Final = ("id", "question_id", "questionId", "image_id", "index", "doc_id")
# An answer's own name goes before "answer", under which some tools keep what is right.
ANSWERS: Final = (
    "prediction", "filtered_resps", "resps", "answer", "losses", "caption", "text", "response", "pred",
)  # fmt: skip
_KNOWN: Final = frozenset((*IDS, *ANSWERS))
_LONGEST_CELL: Final = 1 << 27
_RETURNS: Final = re.compile(r"\r\n?")
_SEPARATOR: Final = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
_DECIMAL: Final = re.compile(r"\d{1,15}\.0+")
_EXACT: Final = 1 << 53
_LEGAL: Final = (
    'one object per line such as {"id": 1, "answer": "two"}, a list of such objects, one object of answers by id, or a '
    "table (CSV, TSV, XLSX) whose first line names its columns"
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """The records of a file.

    Attributes:
        rows: in file order; each with its id under `id_key` and its answer under "answer", where it has them.
        id_key: the key of the ids; None: the rows have none, and follow the order of the questions.
    """

    rows: Sequence[Row]
    id_key: str | None


def read_rows(path: Path, *, by_image: bool) -> Rows:
    """Returns the records of a file of answers.

    Args:
        path: in one of the shapes above.
        by_image: whether images are what is asked about, so that an `image_id` identifies a question.

    Raises:
        VistokError: the file cannot be read, or has none of the shapes.
    """
    rows = [_lifted(_usual(row)) for row in _records(path)]
    present = {key for row in rows for key in row}
    legal = [key for key in IDS if by_image or key != "image_id"]
    id_key = next((key for key in legal if key in present), None)
    if rows and not present & set(ANSWERS):
        raise _shapeless(path, f"found {', '.join(sorted(present)[:20])}, and none of {', '.join(ANSWERS)}")
    if rows and id_key is None and "question" not in present:
        raise _shapeless(path, f"found {', '.join(sorted(present)[:20])}, and none of {', '.join(legal)}")
    return Rows([_answered(row) for row in rows], id_key)


def _shapeless(path: Path, reason: str) -> VistokError:
    return VistokError(f"{path} ({WHAT}) has no shape of answers that is known: {reason}. Legal: {_LEGAL}.")


def _records(path: Path) -> list[Row]:
    data = read_data(path, what=WHAT)
    if kind_of(data).startswith("an Excel workbook (XLSX)"):
        return list(_table(path, read_sheet(data, path), whole=False))
    text = decoded(data, path, what=WHAT)
    start = text.lstrip("\x1e \t\r\n")[:1]
    if start == "[":
        return _listed(path, text)
    if start == "{":
        return _objects(path, text)
    return (
        list(_table(path, _csv_lines(path, text), whole=True))
        if text.strip()
        else parse_jsonl(text, path, what=WHAT)
    )


def _objects(path: Path, text: str) -> list[Row]:
    """Returns the records of JSON Lines, of objects in several lines each, or of the one object that a file is."""
    # Neither stands raw in a JSON text's strings: a line's end, and the separator of JSON text sequences.
    text = _RETURNS.sub("\n", text).replace("\x1e", "").strip()
    try:
        first = parse_json(text.split("\n", 1)[0])
    except ValueError as error:
        rows = _spread(path, text, error)
    else:
        if "\n" in text or {*IDS, "question"} & {*_usual(first)}:
            return parse_jsonl(text, path, what=WHAT)
        rows = [first]
    return rows if len(rows) > 1 else _within(path, rows[0])


def _spread(path: Path, text: str, first: ValueError) -> list[Row]:
    """Returns the objects of a text with several lines per object, or several objects per line.

    Args:
        first: the error of its first line.
    """
    try:
        rows = [parse_json(value) for value in json_values(text)]
    except ValueError as error:
        line, _, rest = text.partition("\n")
        if not rest or rest.startswith("{"):  # JSON Lines of which the first is damaged
            raise not_json(path, WHAT, line, first, line=1) from error
        raise not_json(path, WHAT, text, error) from error
    return rows


def _within(path: Path, value: Row) -> list[Row]:
    """Returns the records of a file that is one JSON object: the list of them in it, or its answers by their ids."""
    match [each for each in value.values() if isinstance(each, list)]:
        case [[*rows]] if rows and all(isinstance(row, dict) for row in rows):
            return rows
    if {*IDS, *ANSWERS, "question"} & {*value}:
        return [value]
    if value and all(isinstance(each, str | int | float) for each in value.values()):
        return [{"id": key, "answer": answer} for key, answer in value.items()]
    raise _shapeless(path, f"found one JSON object with the keys {', '.join(map(str, value))[:200]}")


def _listed(path: Path, text: str) -> list[Row]:
    try:
        rows = parse_json(text)
    except ValueError as error:
        raise not_json(path, WHAT, text, error) from error
    for position, row in enumerate(rows):
        if not isinstance(row, dict):
            raise VistokError(
                f"{path} ({WHAT}), record {position}: a JSON object is needed, found {str(row)[:60]}."
            )
    return list(rows)


def _csv_lines(path: Path, text: str) -> Iterator[list[str]]:
    first, _, rest = text.partition("\n")
    if separator := _SEPARATOR.fullmatch(first.strip("\r\ufeff ")):  # Excel's own first line
        text, first = rest, 9 * separator[1]
    delimiter = max("\t,;|", key=first.count)
    csv.field_size_limit(_LONGEST_CELL)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise VistokError(
            f"{path} ({WHAT}) is not valid CSV: {error}. Fetch or make the file again."
        ) from error


def _table(path: Path, lines: Iterator[Sequence[Any]], *, whole: bool) -> Iterator[Row]:
    """Yields the records of a table; `whole` says that each line has every cell, as a workbook's need not."""
    header = [str(name).strip() for name in next(lines, [])]
    names = {name.lower() for name in header}
    if not (names & {*IDS, "question"} and names & set(ANSWERS)):
        reason = f"{', '.join(header)[:120]!r}, which names no id or no answer"
        raise _shapeless(path, f"it is neither JSON nor a table: its first line is {reason}")
    if repeated := [name for name in sorted(names) if sum(each.lower() == name for each in header) > 1]:
        raise VistokError(f"{path} ({WHAT}) has two columns called {repeated[0]}. Keep one.")
    for number, line in enumerate(lines, start=2):
        if not any(str(cell).strip() for cell in line):
            continue
        if len(line) > len(header) or (whole and len(line) < len(header)):
            cut = " It may be truncated: fetch or make it again." if len(line) < len(header) else ""
            raise VistokError(
                f"{path} ({WHAT}), row {number}: {len(header)} cells are needed, found {len(line)}.{cut}"
            )
        cells = [*line, *[""] * (len(header) - len(line))]
        yield {name.lower(): _cell(name.lower(), cell) for name, cell in zip(header, cells, strict=True)}


def _cell(name: str, cell: Any) -> Any:
    """Returns a cell; an id that is written as a decimal, as pandas does where a column has gaps, is that number."""
    return (
        cell[: cell.index(".")]
        if name in IDS and isinstance(cell, str) and _DECIMAL.fullmatch(cell)
        else cell
    )


def _usual(row: Row) -> Row:
    """Returns a record in which the keys that are known are in small letters, as "ID" and "Answer" may not be."""
    small = {key: key.lower() for key in row if key not in _KNOWN and key.lower() in _KNOWN}
    return {small.get(key, key): value for key, value in row.items() if small.get(key) not in row}


def _lifted(row: Row) -> Row:
    """Returns a sample of lmms-eval with what identifies its question: the log keeps it in `doc` or in a metric."""
    if "doc_id" not in row:
        return row
    mappings = [value for value in row.values() if isinstance(value, dict)]
    ids = {
        key: next(mapping[key] for mapping in mappings if key in mapping)
        for key in ("question_id", "image_id", "question")
        if any(key in mapping for mapping in mappings)
    }
    return ids | row


def _answered(row: Row) -> Row:
    """Returns a record with its answer under "answer", and nothing there where it has none."""
    key = next((key for key in ANSWERS if key in row), None)
    if key == "text" and "label" in row:  # a question of POPE with what is right
        key = None
    # The text of a record that has an answer too is its question.
    rest = {name: value for name, value in row.items() if name not in ANSWERS or name == "text" != key}
    return (
        rest
        if key is None
        else rest | {"answer": _as_text(row[key], unwrap=key in ("filtered_resps", "resps"))}
    )


def _as_text(value: Any, *, unwrap: bool) -> Any:
    """Returns an answer; a number is its text, and a list of one response is that response where tools write such."""
    while unwrap and isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < inf
    return str(value) if number else value
