"""Programs that a test cannot run without."""

import pytest

from tests.runner.programs import find_program


def needed(program: str) -> str:
    """Return the path of a program; skip the test where it is not installed.

    `make test` installs what is missing and fails for each test that is skipped, so this only
    helps who runs a part of the tests by hand, or `make test-here`.
    """
    found = find_program(program)
    if found is None:
        pytest.skip(f"{program} is not installed; `make test` installs it, or says how")
    return found
