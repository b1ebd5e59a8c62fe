"""Pages about the code name files that exist."""

import re
from typing import Final

import pytest

from tests.support.source_tree import CHECKOUT

PAGES: Final = ("ARCHITECTURE.md", "README.md")
PATH: Final = re.compile(r"`([A-Za-z_.][\w.-]*(?:/[\w.-]+)*/?)`")
FOLDERS: Final = tuple(f"{path.name}/" for path in CHECKOUT.iterdir() if path.is_dir())
ENDINGS: Final = (".py", ".md", ".lua", ".json", ".toml", ".yml", ".yaml", ".ts", ".tsx", ".c")


def named_paths(page: str) -> list[str]:
    """Return what a page names in backticks that can only be a path of the checkout."""
    named = PATH.findall((CHECKOUT / page).read_text(encoding="utf-8"))
    return [
        path
        for path in named
        if path.startswith(FOLDERS) or ("/" in path and path.endswith(ENDINGS))
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    assert [path for path in named_paths(page) if not (CHECKOUT / path).exists()] == []


def test_the_tour_of_the_code_names_every_part_of_it() -> None:
    named = " ".join(named_paths("ARCHITECTURE.md"))
    assert [
        part for part in ("fanwire/", "shared/", "fanout/", "gateway/") if part not in named
    ] == []
