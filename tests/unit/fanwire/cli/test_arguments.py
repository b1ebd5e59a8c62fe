"""Global options may stand anywhere."""

import pytest

from fanwire.cli.arguments import with_globals_first


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["sub", "tasks", "--json"], ["--json", "sub", "tasks"]),
        (["sub", "--url", "ws://h", "tasks"], ["--url", "ws://h", "sub", "tasks"]),
        (["sub", "--url=ws://h", "tasks"], ["--url=ws://h", "sub", "tasks"]),
        (["--json", "pub", "--count", "3"], ["--json", "pub", "--count", "3"]),
        (["pub", "a", "b", "--", "--json"], ["pub", "a", "b", "--", "--json"]),
        (["sub", "--timeout"], ["--timeout", "sub"]),
    ],
)
def test_they_are_moved_in_front_of_the_verb(given: list[str], expected: list[str]) -> None:
    assert with_globals_first(given) == expected
