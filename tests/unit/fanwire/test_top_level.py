"""What `from fanwire import …` offers."""

import fanwire
from fanwire.errors import ALL_ERRORS


def test_every_error_of_the_table_is_at_the_top_level() -> None:
    assert [getattr(fanwire, error.__name__) for error in ALL_ERRORS] == list(ALL_ERRORS)
    assert {error.__name__ for error in ALL_ERRORS} <= set(fanwire.__all__)


def test_every_name_that_is_listed_is_found() -> None:
    assert all(getattr(fanwire, name) is not None for name in fanwire.__all__)
