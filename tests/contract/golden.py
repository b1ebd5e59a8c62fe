"""The golden files of `contract/`, one folder for each format."""

import json
from pathlib import Path
from typing import Any, Final

CONTRACT: Final = Path(__file__).parents[2] / "contract"


def golden_files(folder: str) -> dict[str, dict[str, Any]]:
    """Return the content of every file of a folder by its name."""
    paths = sorted((CONTRACT / folder).glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
