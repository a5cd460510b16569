"""Reads the first sheet of an Excel workbook (XLSX), a zip of XML files."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from vistok.errors import VistokError

_LARGEST_RATIO: Final = 100
_ALWAYS_FINE: Final = 1 << 26
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
Cell = str | int | float


def read_sheet(data: bytes, path: Path) -> Iterator[list[Cell]]:
    """Yields the rows of the first sheet; an empty cell is an empty text.

    Args:
        data: the bytes of the workbook.
        path: where it is, for the error text.

    Raises:
        VistokError: it is not a whole workbook, or unpacks to a hundred times its size.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bomb(archive, len(data), path)
            texts = _shared_texts(archive)
            for row in _parsed(archive, _first_sheet(archive)).iter(f"{_MAIN}row"):
                yield _cells(row, texts)
    except (
        zipfile.BadZipFile,
        zlib.error,
        ElementTree.ParseError,
        KeyError,
        ValueError,
        IndexError,
    ) as error:
        raise VistokError(
            f"{path} is not a whole Excel workbook (XLSX): {error}. It may be truncated: fetch or make it again."
        ) from error


def _refuse_bomb(archive: zipfile.ZipFile, size: int, path: Path) -> None:
    if sum(member.file_size for member in archive.infolist()) > max(_ALWAYS_FINE, _LARGEST_RATIO * size):
        raise VistokError(
            f"{path} is a workbook that unpacks to more than {_LARGEST_RATIO} times its size. If it is right, save it "
            "as CSV."
        )


def _parsed(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    data = archive.read(name)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError(f"{name} declares entities")
    return ElementTree.fromstring(data)


def _first_sheet(archive: zipfile.ZipFile) -> str:
    sheet = next(_parsed(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet"))
    for relation in _parsed(archive, "xl/_rels/workbook.xml.rels"):
        if relation.get("Id") == sheet.get(_RELATION):
            target = relation.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise ValueError("its first sheet is not there")


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_text(item) for item in _parsed(archive, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text(item: ElementTree.Element) -> str:
    """Returns a text, joining its styled parts and leaving phonetic hints out."""
    nodes = [item.find(f"{_MAIN}t"), *(run.find(f"{_MAIN}t") for run in item.findall(f"{_MAIN}r"))]
    text = "".join(node.text or "" for node in nodes if node is not None)
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text)


def _cells(row: ElementTree.Element, texts: list[str]) -> list[Cell]:
    cells: list[Cell] = []
    for cell in row.findall(f"{_MAIN}c"):
        name = cell.get("r")
        column = _column(name) if name else len(cells)
        cells += [""] * (column - len(cells)) + [_value(cell, texts)]
    return cells


def _column(name: str) -> int:
    """Returns the position of a cell's column: 0 of A1, 26 of AA7."""
    number = 0
    for letter in name.rstrip("0123456789"):
        number = 26 * number + ord(letter) - ord("A") + 1
    if not 0 < number <= 1 << 14:
        raise ValueError(f"no cell can be called {name}")
    return number - 1


def _value(cell: ElementTree.Element, texts: list[str]) -> Cell:
    kind, inline = cell.get("t", "n"), cell.find(f"{_MAIN}is")
    content = cell.findtext(f"{_MAIN}v") or ""
    if kind == "inlineStr":
        return "" if inline is None else _text(inline)
    if kind == "s":
        return texts[int(content)]
    if kind != "n" or not content:
        return "" if kind == "e" else _ESCAPED.sub(lambda each: chr(int(each[1], 16)), content)
    return int(content) if re.fullmatch(r"-?\d+", content) else float(content)
