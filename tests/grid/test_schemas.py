"""The schemas that editors use are those of the code, and the project's own files keep them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from vistok.grid.entries import GRID, SCALES
from vistok.grid.schemas import FOLDER, export, schemas


def faults(schema: dict[str, Any], value: object) -> list[str]:
    result = Draft202012Validator(schema).iter_errors(json.loads(json.dumps(value)))
    return [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in result]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_schema_on_disk_is_in_step(repository: Path, name: str) -> None:
    written = json.loads((repository / FOLDER / f"{name}.json").read_text())
    assert written == schemas()[name], "the schemas are out of step with the code: run `make schemas`"


def test_no_schema_is_left_over(repository: Path) -> None:
    assert {path.stem for path in (repository / FOLDER).glob("*.json")} == set(schemas())


def test_export_writes_them_all(tmp_path: Path) -> None:
    export(tmp_path)
    assert {path.stem for path in (tmp_path / FOLDER).iterdir()} == set(schemas())


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize("name", ["tokenizers", "llms", "recipes", "tasks", "tables", "downloads"])
def test_a_grid_file_keeps_its_schema(repository: Path, name: str) -> None:
    path = repository / GRID / f"{name}.yaml"
    assert faults(schemas()[name], yaml.safe_load(path.read_text())) == []
    assert f"$schema=schemas/{name}.json" in path.read_text().splitlines()[0]


@pytest.mark.parametrize("name", ["mini", "smoke", "excerpt", "paper"])
def test_a_scale_keeps_its_schema(repository: Path, name: str) -> None:
    path = repository / SCALES / f"{name}.yaml"
    assert faults(schemas()["scale"], yaml.safe_load(path.read_text())) == []
    assert "$schema=../grid/schemas/scale.json" in path.read_text().splitlines()[0]


def test_a_schema_finds_what_the_code_refuses(repository: Path) -> None:
    entries = yaml.safe_load((repository / GRID / "tokenizers.yaml").read_text())
    entries["clip"]["encoder"]["wdith"] = entries["clip"]["encoder"].pop("width")
    entries["dino"]["objective"] = "dinno"
    entries["mae"]["id"] = "mae"
    result = faults(schemas()["tokenizers"], entries)
    assert len(result) == 4
    assert any("clip.encoder" in fault and "'wdith' was unexpected" in fault for fault in result)
    assert any("clip.encoder" in fault and "'width' is a required property" in fault for fault in result)
    assert any("dino.objective" in fault for fault in result)
    assert any("'id' was unexpected" in fault for fault in result)
