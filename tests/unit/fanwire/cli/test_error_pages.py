"""The generated files equal what the error table says."""

import json
from pathlib import Path

import pytest

from fanwire.cli.error_pages import PAGES, write_pages
from fanwire.errors import ALL_ERRORS, CLOSE_CODES

CHECKOUT = Path(__file__).parents[4]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_file_is_current(name: str) -> None:
    assert (CHECKOUT / name).read_text() == PAGES[name](), "run `python -m fanwire.cli.error_pages`"


def test_write_pages_writes_every_page(tmp_path: Path) -> None:
    write_pages(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == set(PAGES)


def test_every_close_code_has_a_row_with_every_field() -> None:
    rows = json.loads(PAGES["contract/close_codes.json"]())
    assert [row["code"] for row in rows] == sorted(error.code for error in CLOSE_CODES)
    fields = {"code", "name", "terminal", "refreshToken", "retry", "meaning", "remedy"}
    assert all(set(row) == fields for row in rows)


def test_every_error_is_on_the_errors_page() -> None:
    page = PAGES["docs/errors.md"]()
    assert all(f"`{error.name}`" in page for error in ALL_ERRORS)
