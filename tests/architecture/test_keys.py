"""Only fanwire/core/keys.py spells a Redis key.

A key spelled twice is a key that is one day spelled two ways: a publisher would then write
to a stream that nobody reads. Scripts take their keys in KEYS for the same reason, and
because a cluster must see them.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.source_tree import CHECKOUT, SERVED, SourceFile, source_files, string_constants

KEY: Final = re.compile(
    r"\b(?:(?:events|batches|topic|dead|subs|bell|revoked|flags):(?:\{|$)"
    r"|fanout:(?:workers|nodes|lease)|gateway:nodes)"
)
SPELLERS: Final = frozenset({"fanwire/core/keys.py"})
SCRIPTS: Final = sorted((CHECKOUT / "shared" / "redis" / "lua").glob("*.lua"))


def spelled_in(file: SourceFile) -> list[str]:
    return [
        f"{file.name}:{constant.lineno} {constant.value!r}"
        for constant in string_constants(file.tree)
        if KEY.search(str(constant.value))
    ]


def test_python_takes_every_key_from_keys() -> None:
    files = [file for file in source_files(*SERVED, "bench") if file.name not in SPELLERS]
    assert [place for file in files for place in spelled_in(file)] == []


def test_the_pattern_still_finds_the_keys_where_they_are_spelled() -> None:
    (keys,) = (file for file in source_files("fanwire") if file.name in SPELLERS)
    assert len(spelled_in(keys)) >= 8


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_takes_its_keys_as_arguments(path: Path) -> None:
    code = re.sub(r"--[^\n]*", "", path.read_text())
    assert not KEY.search(code)


def test_only_one_module_spells_the_messages_of_the_bell() -> None:
    spelled = re.compile(r"^:(?:subs|kick|revoked|flags)\b").search
    files = {
        file.name
        for file in source_files(*SERVED, "bench")
        for constant in string_constants(file.tree)
        if spelled(str(constant.value))
    }
    assert files == {"fanwire/core/bell.py"}
