"""A class name means one thing in the whole repository, tests included."""

from collections import defaultdict

from tests.architecture.figures.figure import TreeFigure
from tests.support.source_tree import SourceFile


def class_names_figure(files: tuple[SourceFile, ...]) -> TreeFigure:
    """Count the class names that two classes have."""
    places: dict[str, list[str]] = defaultdict(list)
    for file in files:
        for each in file.classes:
            places[each.name].append(file.name)
    twice = [f"{name}: {', '.join(files)}" for name, files in places.items() if len(files) > 1]
    return TreeFigure.counted("class names that mean two things", twice, of=len(places))
