"""The Makefile refuses a machine that its lock is not for, and makes a half-made environment anew."""

import shutil
import subprocess
from pathlib import Path

import pytest

# A Python that makes an environment in which pip works, and notes whatever it is asked.
STUB = """#!/bin/sh
echo "$0 $*" >> calls
case "$*" in
  "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
esac
"""
BROKEN = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(repository / name, tmp_path)
    (tmp_path / "requirements.lock").write_text("")
    program(tmp_path / "stub", STUB)
    return tmp_path


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def make(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", ".venv/installed", "PLATFORM=Linux x86_64", *words]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def calls(checkout: Path) -> list[str]:
    noted = checkout / "calls"
    return noted.read_text().splitlines() if noted.exists() else []


@pytest.mark.parametrize("platform", ["Darwin arm64", "Linux aarch64", "Darwin x86_64"])
def test_another_platform_is_refused_before_anything_is_fetched(checkout: Path, platform: str) -> None:
    done = make(checkout, f"PLATFORM={platform}", "PYTHON=./stub")
    assert done.returncode == 2
    assert f"this is {platform}: nothing was downloaded" in done.stderr
    assert calls(checkout) == []
    assert not (checkout / ".venv").exists()


def test_a_half_made_environment_is_made_anew(checkout: Path) -> None:
    program(checkout / ".venv/bin/python", BROKEN)
    assert make(checkout, "PYTHON=./stub").returncode == 0
    assert "./stub -m venv .venv" in calls(checkout)
    assert (checkout / ".venv/installed").exists()


def test_a_whole_environment_is_kept(checkout: Path) -> None:
    program(checkout / ".venv/bin/python", STUB)
    assert make(checkout, "PYTHON=./stub").returncode == 0
    assert "./stub -m venv .venv" not in calls(checkout)


def test_an_environment_that_cannot_be_made_leaves_nothing_half_made(checkout: Path) -> None:
    program(checkout / "broken", "#!/bin/sh\nmkdir -p .venv/bin; echo install python3-venv >&2; exit 1\n")
    for _ in range(2):
        done = make(checkout, "PYTHON=./broken")
        assert done.returncode == 2
        assert "install python3-venv" in done.stderr
        assert not (checkout / ".venv").exists()


def test_packages_with_weights_are_fetched_by_their_hash_and_never_installed(
    checkout: Path, repository: Path
) -> None:
    command = ["make", "-n", "test-real", "PLATFORM=Linux x86_64", "PACKAGES=cache"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
    (fetch,) = (
        line for line in done.replace("\\\n", "").splitlines() if "tests/packages" in line and "pip" in line
    )
    assert "pip download" in fetch and "--require-hashes" in fetch and "--no-deps" in fetch
    assert "VISTOK_PACKAGES=cache" in done
    pins = (repository / "tests/packages/requirements.txt").read_text().splitlines()
    assert all("==" in pin and " --hash=sha256:" in pin for pin in pins if not pin.startswith("#"))
