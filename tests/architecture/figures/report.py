"""All figures of the tree, in the order in which they are printed."""

from typing import Final

from tests.architecture.figures.class_names import class_names_figure
from tests.architecture.figures.figure import TreeFigure
from tests.architecture.figures.graph import (
    module_circles_figure,
    room_circles_figure,
    upward_figure,
)
from tests.architecture.figures.numbers import numbers_figure
from tests.architecture.figures.rooms import rooms_figure
from tests.architecture.figures.sizes import (
    constructors_figure,
    file_lines_figure,
    function_lines_figure,
)
from tests.support.source_tree import EVERYTHING, SERVED, source_files

MEASURED: Final = (*SERVED, "demo", "deploy")
"""What runs somewhere. `bench`, `docs` and `tests` prove it, and have test_sizes.py alone."""
EXPLAINED: Final = (*SERVED, "demo", "deploy/topology")
"""Where numbers need a reason. A panel of the dashboard explains itself in its description."""


def all_figures() -> list[TreeFigure]:
    """Measure the tree."""
    files = source_files(*MEASURED)
    return [
        rooms_figure(files),
        upward_figure(),
        room_circles_figure(),
        module_circles_figure(),
        file_lines_figure(files),
        function_lines_figure(files),
        constructors_figure(files),
        class_names_figure(source_files(*EVERYTHING)),
        numbers_figure(source_files(*EXPLAINED)),
    ]
