"""The audit's three files say the same, open without a network, and are the same bytes each time."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.benchmark.conftest import random_images, write_instances

from vistok.benchmark.annotations import read_annotations
from vistok.benchmark.curate import curate
from vistok.benchmark.questions import write_questions
from vistok.cli import main
from vistok.errors import VistokError
from vistok.pages.audit import run_audit


@pytest.fixture(scope="module")
def pages(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit of the tables and of one curated file, without the released files."""
    folder = tmp_path_factory.mktemp("audit")
    instances = write_instances(folder / "instances.json", random_images(120))
    made = curate("identification", read_annotations(instances), questions=200)
    write_questions(folder / "tiny/gvtbench/coco_mci.json", made)
    audit(repository, folder / "out", folder)
    return folder


def audit(repository: Path, out: Path, folder: Path) -> None:
    run_audit(
        repository / "paper_tables/published",
        folder,
        [folder / "tiny/gvtbench/coco_mci.json"],
        out,
        claims=repository / "workflow/grid/claims.yaml",
    )


class Page(HTMLParser):
    """Collects ids, links and loaded resources, and refuses tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)
        self.ids += [str(values["id"])] if "id" in values else []
        self.links += [str(values["href"])] if tag == "a" else []
        self.loaded += [
            str(value) for name, value in attrs if name == "src" or (tag == "link" and name == "href")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_all_three_files_hold_every_finding(pages: Path) -> None:
    findings = json.loads((pages / "out/audit.json").read_text())["findings"]
    html, markdown = (pages / "out/audit.html").read_text(), (pages / "out/audit.md").read_text()
    assert len(findings) > 50
    for finding in findings:
        assert f'<article id="{finding["anchor"]}"' in html
        assert f'<a id="{finding["anchor"]}"></a>' in markdown
        assert finding["tested"]
        assert finding["surprise"]
        assert finding["meaning"]


def test_the_page_loads_nothing_and_its_links_lead_somewhere(pages: Path) -> None:
    page = Page((pages / "out/audit.html").read_text())
    assert page.loaded == []
    assert not re.search(r"@import|url\(\s*['\"]?http", (pages / "out/audit.html").read_text())
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert page.open == []


def test_absent_files_are_said_to_be_absent(pages: Path) -> None:
    value = json.loads((pages / "out/audit.json").read_text())
    assert "coco_oc.json, coco_mci.json, vcr_oc.json, vcr_mci.json are missing" in value["not_checked"][0]
    for name in ("audit.html", "audit.md"):
        assert value["not_checked"][0] in (pages / "out" / name).read_text()


def test_each_absent_file_is_named_with_what_was_not_checked(
    repository: Path, tmp_path: Path, shared_data: Path
) -> None:
    def not_checked() -> str:
        audit(repository, tmp_path / "out", tmp_path / "data")
        return "\n".join(json.loads((tmp_path / "out/audit.json").read_text())["not_checked"])

    instances = write_instances(tmp_path / "instances.json", random_images(120))
    made = curate("identification", read_annotations(instances), questions=200)
    for name in ("tiny/gvtbench/coco_mci", "gvtbench/coco_oc", "gvtbench/GVTBench/coco_oc"):
        write_questions(tmp_path / f"data/{name}.json", made)
    said = not_checked()
    assert "coco_mci.json, vcr_oc.json, vcr_mci.json are missing" in said
    assert "of the two released versions" not in said
    absent = (
        "coco/annotations/instances_val2017.json", "vcr/vcr1images", "coco/karpathy/karpathy_val_images.txt.gz",
        "coco/karpathy/karpathy_test_images.txt.gz", "visual_genome/image_data.json",
    )  # fmt: skip
    assert all(f"{name} is not below the data root" in said for name in absent)
    (tmp_path / "data/gvtbench/GVTBench/coco_oc.json").unlink()
    for name in ("coco", "vcr"):
        (tmp_path / "data" / name).symlink_to(shared_data / name)
    said = not_checked()
    assert "Only one of the two released versions of COCO-OC is here" in said
    assert said.count("below the data root:") == 1, "visual_genome/image_data.json"
    (tmp_path / "data/vcr").unlink()
    photograph = tmp_path / "data/vcr/vcr1images/movie/1.jpg"
    photograph.parent.mkdir(parents=True)
    photograph.touch()
    write_questions(
        tmp_path / "data/gvtbench/vcr_mci.json", [replace(each, image_id="movie/1.jpg") for each in made]
    )
    assert "vcr/vcr1images is not below the data root" in not_checked()


@pytest.mark.parametrize(
    ("name", "said"), [("nonexist", "does not exist"), ("file", "is a file, not a folder")]
)
def test_a_mistyped_data_root_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    (tmp_path / "file").touch()
    assert main(["audit", "--data-root", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 1
    assert f"--data-root {tmp_path / name} {said}. Name the folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_curated_file_comes_out_clean(pages: Path) -> None:
    findings = json.loads((pages / "out/audit.json").read_text())["findings"]
    ours = {finding["anchor"]: finding["verdict"] for finding in findings if finding["group"] == "ours"}
    assert ours == {f"tiny-coco-mci-{check}": "clean" for check in (
        "contents", "duplicates", "constant", "object-prior", "label-leak"
    )}  # fmt: skip


def test_a_second_run_gives_the_same_bytes_without_a_path_of_this_machine(
    pages: Path, repository: Path
) -> None:
    audit(repository, pages / "again", pages)
    for name in ("audit.json", "audit.md", "audit.html"):
        first = (pages / "out" / name).read_bytes()
        assert first == (pages / "again" / name).read_bytes()
        assert str(pages).encode() not in first
        assert str(repository).encode() not in first


def test_two_files_of_one_name_are_refused(pages: Path, repository: Path) -> None:
    path = pages / "tiny/gvtbench/coco_mci.json"
    with pytest.raises(VistokError, match="two findings have the anchor 'tiny-coco-mci-contents'"):
        run_audit(
            repository / "paper_tables/published", None, [path, path], pages / "x",
            claims=repository / "workflow/grid/claims.yaml",
        )  # fmt: skip
    assert not (pages / "x").exists()


def test_the_audit_imports_no_torch(repository: Path) -> None:
    code = "import sys, vistok.commands.audit, vistok.commands.curate; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=repository / "src", check=True)
