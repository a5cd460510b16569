"""Hostile and broken archives: nothing leaves the folder, and nothing of them is left."""

import io
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.planning.unpack import is_archive, unpack

GOOD = {"train/a.jpg": b"a" * 2000, "train/deep/b.jpg": b"b", "annotations/c.json": b"{}"}


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            add(archive, name, content)
    return path


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **about: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for key, value in about.items():
        setattr(member, key, value)
    archive.addfile(member, io.BytesIO(content))


Maker = Callable[[Path, dict[str, bytes]], Path]
KINDS = pytest.mark.parametrize(("make", "suffix"), [(make_zip, ".zip"), (make_tar, ".tar.gz")])


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@KINDS
def test_an_archive_is_unpacked_beside_what_is_there(make: Maker, suffix: str, tmp_path: Path) -> None:
    make(tmp_path / f"a{suffix}", GOOD)
    (tmp_path / "root/annotations").mkdir(parents=True)
    (tmp_path / "root/annotations/old.json").write_bytes(b"old")
    (tmp_path / "root/annotations/c.json").write_bytes(b"older")
    unpack(tmp_path / f"a{suffix}", tmp_path / "root")
    assert tree(tmp_path / "root") == {**GOOD, "annotations/old.json": b"old"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{suffix}", "root"]


HOSTILE = ["../up.txt", "a/../../up.txt", "/tmp/vistok-up.txt", "a\\..\\up.txt", ".."]


@KINDS
@pytest.mark.parametrize("name", HOSTILE)
def test_a_path_out_of_the_folder_is_refused(make: Maker, suffix: str, name: str, tmp_path: Path) -> None:
    make(tmp_path / f"a{suffix}", {"good.txt": b"good", name: b"bad"})
    with pytest.raises(VistokError, match=r"leads out of its folder.*Nothing was unpacked"):
        unpack(tmp_path / f"a{suffix}", tmp_path / "deep/root")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"a{suffix}"]
    assert not Path("/tmp/vistok-up.txt").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
@pytest.mark.parametrize("linkname", ["/etc", "..", "good.txt"])
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, linkname: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        add(archive, "good.txt", b"good")
        add(archive, "bad", type=kind, linkname=linkname)
        add(archive, "bad/passwd", b"over the link")
    with pytest.raises(VistokError, match="'bad' is a link or a device"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "root")
    assert [path.name for path in tmp_path.rglob("*")] == ["a.tar.gz"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(kind: int, tmp_path: Path) -> None:
    member = zipfile.ZipInfo("bad")
    member.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good.txt", "good")
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(VistokError, match="'bad' is a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "root")
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]


@KINDS
@pytest.mark.parametrize("keep", [0, 10, -1, -40])
def test_a_truncated_archive_is_refused(make: Maker, suffix: str, keep: int, tmp_path: Path) -> None:
    archive = make(tmp_path / f"a{suffix}", GOOD)
    content = archive.read_bytes()
    archive.write_bytes(content[: keep if keep >= 0 else len(content) + keep])
    with pytest.raises(VistokError, match=r"is not a whole archive: .+\. Fetch it again\.$"):
        unpack(archive, tmp_path / "root")
    assert [path.name for path in tmp_path.rglob("*")] == [archive.name]


@KINDS
def test_a_flipped_bit_is_found(make: Maker, suffix: str, tmp_path: Path) -> None:
    archive = make(tmp_path / f"a{suffix}", {"a.bin": bytes(range(256)) * 40})
    content = bytearray(archive.read_bytes())
    content[len(content) // 3] ^= 16
    archive.write_bytes(content)
    with pytest.raises(VistokError, match="not a whole archive"):
        unpack(archive, tmp_path / "root")
    assert not (tmp_path / "root").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@KINDS
@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_file_in_the_place_of_a_folder_is_refused(
    make: Maker, suffix: str, names: tuple[str, str], tmp_path: Path
) -> None:
    make(tmp_path / f"a{suffix}", dict.fromkeys(names, b"x"))
    with pytest.raises(VistokError, match="stands there twice"):
        unpack(tmp_path / f"a{suffix}", tmp_path / "root")


@KINDS
@pytest.mark.parametrize("there", ["annotations/c.json/x", "train"])
def test_a_folder_and_a_file_of_one_name_are_refused_before_anything_is_moved(
    make: Maker, suffix: str, there: str, tmp_path: Path
) -> None:
    make(tmp_path / f"a{suffix}", GOOD)
    (tmp_path / "root" / there).parent.mkdir(parents=True)
    (tmp_path / "root" / there).write_bytes(b"old")
    with pytest.raises(VistokError, match=r"root/\S+ is a (file|folder), and .* has a (file|folder) of that"):
        unpack(tmp_path / f"a{suffix}", tmp_path / "root")
    assert tree(tmp_path / "root") == {there: b"old"}


def test_an_archive_larger_than_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb is told by what it says of itself, before anything is written."""
    make_zip(tmp_path / "a.zip", {"zeros": bytes(1 << 20)})
    free = "vistok.planning.unpack.shutil.disk_usage"
    monkeypatch.setattr(free, lambda _: type("Usage", (), {"free": 1 << 19})())
    with pytest.raises(VistokError, match=r"unpacks to 1,048,576 bytes or more, 524,288 are free"):
        unpack(tmp_path / "a.zip", tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("x"), b"data")
    data = (tmp_path / "a.zip").read_bytes()
    # The name's length is two bytes at 26 in its header, at 28 in the central directory.
    central = data.index(b"PK\x01\x02")
    nameless = data[:26] + b"\0\0" + data[28:30] + data[31:central]
    record = data[central:]
    record = record[:28] + b"\0\0" + record[30:46] + record[47:]
    end = record.index(b"PK\x05\x06")
    sizes = struct.pack("<II", end, len(nameless))
    (tmp_path / "a.zip").write_bytes(nameless + record[: end + 12] + sizes + record[end + 20 :])
    with pytest.raises(VistokError, match="its member '' has no name"):
        unpack(tmp_path / "a.zip", tmp_path / "into")


def test_archives_are_told_by_their_names() -> None:
    assert all(map(is_archive, ("a.zip", "A.ZIP", "patch0.tar.gz", "a.tgz")))
    assert not any(map(is_archive, ("a.json", "zip", "a.pt", "a.json.gz", "a.tar")))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one file system alone")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_a_folder_that_is_a_link_to_another_disk_is_filled_there(tmp_path: Path, elsewhere: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "train").symlink_to(elsewhere)
    (elsewhere / "a.jpg").write_bytes(b"older")
    unpack(make_zip(tmp_path / "a.zip", GOOD), root)
    assert (root / "train").is_symlink() and tree(elsewhere) == {
        "a.jpg": GOOD["train/a.jpg"],
        "deep/b.jpg": b"b",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "root"], "nothing is left beside it"


def test_a_root_that_is_a_link_is_filled_where_it_leads(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / "root").symlink_to(elsewhere)
    unpack(make_zip(tmp_path / "a.zip", GOOD), tmp_path / "root")
    assert (tmp_path / "root").is_symlink() and tree(elsewhere) == GOOD


def test_a_link_that_leads_nowhere_is_named_and_nothing_stays(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "train").symlink_to(tmp_path / "unmounted")
    with pytest.raises(VistokError, match=r"train is a link to .*unmounted, which is not there"):
        unpack(make_zip(tmp_path / "a.zip", GOOD), root)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "root"]
