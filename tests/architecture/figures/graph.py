"""The imports between rooms: which run up, and which close a circle.

The layers are those of the `layers` contracts in pyproject.toml that name a container, and they
are read from there: the linter decides whether a change passes, this says how far it is off. An
import that a contract still excuses in `ignore_imports` counts as a breach here.

For circles between rooms the tree is looked at folder by folder: the rooms and modules that lie
side by side in one folder must have an order. `__init__` of a package that re-exports what is
below it is above its contents, and so in no circle with them.
"""

import tomllib
from functools import cache
from itertools import chain
from typing import Any, Final

import grimp

from tests.architecture.figures.figure import TreeFigure
from tests.support.source_tree import CHECKOUT, SERVED

SEPARATORS: Final = str.maketrans("|:", "  ")


@cache
def served_graph() -> grimp.ImportGraph:
    """Return who imports whom among the packages that users and operators run."""
    return grimp.build_graph(*SERVED, cache_dir=None)


def upward_figure() -> TreeFigure:
    """Count the imports that run against the layers."""
    graph = served_graph()
    upward = [arrow for ranks in layer_ranks() for arrow in upward_imports(graph, ranks)]
    return TreeFigure.counted("imports between rooms that run up", upward)


def upward_imports(graph: grimp.ImportGraph, ranks: dict[str, int]) -> list[str]:
    """Return the imports of one package that run from a floor to a higher one."""
    rooms = {module: ".".join(module.split(".")[:2]) for module in graph.modules}
    return [
        f"{importer} → {imported}"
        for importer in sorted(module for module, room in rooms.items() if room in ranks)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if ranks.get(rooms[imported], 0) > ranks[rooms[importer]]
    ]


def module_circles_figure() -> TreeFigure:
    """Count the modules that import themselves through others."""
    return TreeFigure.counted("modules in circles", sorted(in_circles(served_graph())))


def room_circles_figure() -> TreeFigure:
    """Count the imports between rooms of one folder that stand against an order of them."""
    graph = served_graph()
    folders = {module for module in graph.modules if graph.find_children(module)}
    breakers = chain.from_iterable(graph.nominate_cycle_breakers(each) for each in folders)
    arrows = [f"{importer} → {imported}" for importer, imported in breakers]
    return TreeFigure.counted("imports that close circles between rooms", sorted(arrows))


def in_circles(graph: grimp.ImportGraph) -> set[str]:
    """Return the modules from which imports lead back to them."""
    return {
        module
        for module in graph.modules
        if any(
            graph.chain_exists(importer=imported, imported=module)
            for imported in graph.find_modules_directly_imported_by(module)
        )
    }


def layer_ranks() -> list[dict[str, int]]:
    """Return for each package its rooms with their floors, 0 the lowest."""
    return [
        {
            f"{container}.{room}": floor
            for floor, layer in enumerate(reversed(contract["layers"]))
            for room in layer.translate(SEPARATORS).split()
        }
        for contract in contracts("layers")
        for container in contract.get("containers", [])
    ]


def contracts(kind: str) -> list[dict[str, Any]]:
    """Return the import contracts of one type."""
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    every: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return [contract for contract in every if contract["type"] == kind]
