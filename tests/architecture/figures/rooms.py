"""How many modules lie in each room. A room is a package's folder, `__init__.py` not counted."""

from collections import Counter
from pathlib import PurePath
from typing import Final

from tests.architecture.figures.figure import TreeFigure
from tests.support.source_tree import SourceFile

MOST_MODULES: Final = 15
"""About as many names as one sees at a glance; a fuller package is divided by capability."""


def rooms_figure(files: tuple[SourceFile, ...]) -> TreeFigure:
    """Return the fullest room."""
    paths = [PurePath(file.name) for file in files]
    rooms = Counter(str(path.parent) for path in paths if path.name != "__init__.py")
    return TreeFigure.largest("modules in the fullest room", dict(rooms), most=MOST_MODULES)
