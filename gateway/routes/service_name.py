"""The name of a service in a body."""

from typing import Annotated

from pydantic import AfterValidator

from fanwire.core.ids import is_valid_id


def _valid(name: str) -> str:
    if not is_valid_id(name):
        raise ValueError("is not 1 to 63 of A-Z a-z 0-9 . _ -")
    return name


ServiceName = Annotated[str, AfterValidator(_valid)]
