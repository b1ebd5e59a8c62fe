"""The Dockerfile as its instructions, stage by stage."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Final

from dockerfile_parse import DockerfileParser

from tests.support.source_tree import CHECKOUT

DOCKERFILE: Final = CHECKOUT / "Dockerfile"
IGNORE_FILE: Final = CHECKOUT / ".dockerignore"


@dataclass(frozen=True)
class Instruction:
    """One instruction and the stage that it stands in."""

    stage: str
    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """Its value, as a shell would split it."""
        return shlex.split(self.value)


@cache
def instructions() -> tuple[Instruction, ...]:
    """Return every instruction but comments, in order."""
    return tuple(_instructions())


def of_stage(stage: str, name: str) -> list[Instruction]:
    """Return the instructions of this name in a stage."""
    return [each for each in instructions() if (each.stage, each.name) == (stage, name)]


def copied_from_checkout(stage: str) -> list[str]:
    """Return what a stage copies out of the checkout."""
    copies = [each.words for each in of_stage(stage, "COPY")]
    return [source for words in copies if "--from" not in words[0] for source in words[:-1]]


def _instructions() -> Iterator[Instruction]:
    # With a content of its own: left to itself the parser opens the file for writing as well.
    parser = DockerfileParser(fileobj=BytesIO(DOCKERFILE.read_bytes()))
    stage = ""
    for each in parser.structure:
        if each["instruction"] == "COMMENT":
            continue
        if each["instruction"] == "FROM":
            stage = each["value"].split()[-1]
        yield Instruction(stage, each["instruction"], each["value"])
