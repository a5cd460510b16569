"""The base of every value of the grid: frozen, and no unknown keys."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from vistok.errors import unknown


class Value(BaseModel):
    """A frozen value that refuses unknown keys, and names the legal ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, entry: Any) -> Any:
        surplus = [key for key in entry if key not in cls.model_fields] if isinstance(entry, dict) else []
        if surplus:
            legal = cls.model_fields.keys() - {"id"}
            message = " ".join(str(unknown("key", key, legal)) for key in surplus)
            raise PydanticCustomError("unknown_key", "{message}", {"message": message})
        return entry
