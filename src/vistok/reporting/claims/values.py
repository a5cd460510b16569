"""What `workflow/grid/claims.yaml` holds, as frozen values that refuse unknown keys."""

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from vistok.errors import VistokError
from vistok.grid.values import Id, Value

Relation = Literal["greater", "at-least", "comparable"]
Section = Literal["abstract", "2.2", "3.1", "3.2", "4.2", "4.3"]
LONGEST_QUOTE = 110


class Comparison(Value):
    """Rows of one table against other rows of it, in one or more columns.

    `rows` says how: `every` left row with every right row, `paired` first with first, the groups' `mean`s,
    or their `best` rows. With `left_minus` and `right_minus` two gaps are compared (`mean` only). The left
    side must be greater, no less than `margin` below (`at-least`), or within `margin` (`comparable`).
    """

    table: int = Field(ge=1, le=8)
    columns: tuple[str, ...] = Field(min_length=1)
    columns_as: Literal["each", "mean"] = "each"
    left: tuple[str, ...] = Field(min_length=1)
    right: tuple[str, ...] = Field(min_length=1)
    left_minus: tuple[str, ...] = ()
    right_minus: tuple[str, ...] = ()
    rows: Literal["every", "paired", "mean", "best"] = "every"
    relation: Relation = "greater"
    margin: float = Field(0.0, ge=0, description="points")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.rows == "paired" and len(self.left) != len(self.right):
            raise ValueError(
                f"rows: paired needs as many left as right rows: {len(self.left)}, {len(self.right)}"
            )
        if (self.left_minus or self.right_minus) and self.rows != "mean":
            raise ValueError("left_minus and right_minus need rows: mean")
        if self.relation == "comparable" and not self.margin:
            raise ValueError("relation: comparable needs a margin above 0")
        return self


class Claim(Value):
    """A sentence of the paper; one without comparisons cannot be tested on cells."""

    id: Id
    section: Section
    quote: str = Field(max_length=LONGEST_QUOTE, pattern=r"^[^\n]+$")
    reading: str = Field(description="what is compared, in words")
    comparisons: tuple[Comparison, ...]


class QuestionCount(Value):
    """How many questions stand behind the published cells of some columns.

    `spread` is the standard deviation of the metric over images divided by its mean, for a metric that is
    no share of questions (CIDEr).
    """

    tables: tuple[int, ...]
    columns: tuple[str, ...]
    count: int = Field(gt=0)
    spread: float | None = None
    source: str


class StudyClaims(Value):
    """The whole file."""

    questions: tuple[QuestionCount, ...]
    claims: tuple[Claim, ...]


def read_claims(path: Path) -> StudyClaims:
    """Returns the claims of a YAML file, in file order.

    Raises:
        VistokError: the file is missing, is no YAML, or a key or value is not legal.
    """
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        claims = [{"id": name, **entry} for name, entry in value.pop("claims").items()]
        return StudyClaims.model_validate({**value, "claims": claims})
    except FileNotFoundError as error:
        raise VistokError(f"claims not found: {path}. Start vistok in the root of its checkout.") from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise VistokError(f"{path} needs the keys 'questions' and 'claims': {error!r}.") from error
    except ValidationError as error:
        raise VistokError(_explained(path, error)) from error


def _explained(path: Path, error: ValidationError) -> str:
    lines = [f"  {'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()]
    legal = ", ".join(Comparison.model_fields)
    return "\n".join([f"{path} is not legal:", *lines, f"A comparison's keys are {legal}."])
