"""Types that settings of several classes have in common."""

from typing import Annotated, Literal

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

Environment = Literal["dev", "production"]


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A list as operators write it: `a,b,c`."""
