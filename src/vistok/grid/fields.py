"""The types of single fields of the grid: ids, labels, paths, digests, seeds, and ids of kinds."""

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from vistok.grid.kinds import kinds_in, task_kinds


def _stays_below(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError("a path below the data root is needed, without '..'")
    return path


def _is_one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of printable text is needed")
    return text


ID_PATTERN: Final = "^[a-z0-9]+(-[a-z0-9]+)*$"
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=60)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_is_one_line)]
RelativePath = Annotated[str, StringConstraints(pattern=r"^[\w.@-][\w.@/ -]*$"), AfterValidator(_stays_below)]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Part = Literal["tokenizer", "tokenizer-last-block", "connector", "llm"]
TOKENIZER_PARTS: Final[frozenset[Part]] = frozenset({"tokenizer", "tokenizer-last-block"})
OBJECTIVES: Final = "supervision/objectives"
RELEASED_KINDS: Final = "mllm/released"
# They do not affect results by themselves: the weights' content is an input of every step that loads them.
REVISION_OF_WEIGHTS: Final = "commit of the hub's repository; without it, the newest snapshot in the cache"
DIGEST_OF_WEIGHTS: Final = (
    "SHA-256 of the weights as `vistok fetch weights` prints it; without it, any content is accepted"
)
if TYPE_CHECKING:
    Objective = str
    TaskKind = str
    ReleasedKind = str
else:
    ReleasedKind = Literal[*kinds_in(RELEASED_KINDS)]
    Objective = Literal[*kinds_in(OBJECTIVES)]
    TaskKind = Literal[*task_kinds()]
