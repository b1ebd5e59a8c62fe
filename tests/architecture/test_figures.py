"""The figures of `make architecture`: the tree keeps them, and each of them can be broken."""

import ast
from textwrap import dedent

import grimp
import pytest

from tests.architecture.figures.class_names import class_names_figure
from tests.architecture.figures.figure import TreeFigure
from tests.architecture.figures.graph import in_circles, upward_imports
from tests.architecture.figures.numbers import chosen_numbers
from tests.architecture.figures.report import all_figures
from tests.architecture.figures.rooms import rooms_figure
from tests.architecture.figures.sizes import (
    constructors_figure,
    file_lines_figure,
    function_lines_figure,
)
from tests.support.source_tree import SourceFile

FIGURES = {figure.name: figure for figure in all_figures()}


def a_file(text: str, name: str = "room/module.py") -> SourceFile:
    text = dedent(text).lstrip("\n")
    return SourceFile(name, text, ast.parse(text))


def without_reason(text: str) -> list[str]:
    return [each.name for each in chosen_numbers(a_file(text)) if not each.has_reason]


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_within_its_bound(figure: TreeFigure) -> None:
    assert figure.is_kept, figure.breaches


def test_a_room_with_a_sixteenth_module_is_too_full() -> None:
    files = tuple(a_file("X = 1", f"room/module{n}.py") for n in range(16))
    assert rooms_figure(files[:15]).is_kept
    assert rooms_figure(files).breaches == ("room 16",)


def test_the_init_of_a_room_is_not_one_of_its_modules() -> None:
    files = tuple(a_file("X = 1", f"room/module{n}.py") for n in range(15))
    assert rooms_figure((*files, a_file("X = 1", "room/__init__.py"))).is_kept


def test_a_file_and_a_function_that_are_too_long_are_named() -> None:
    body = "".join(f"    x{n} = {n}\n" for n in range(50))
    long = a_file(f"def grown():\n{body}" + "Y = 1\n" * 400)
    short = a_file("def f(): ...\nX = 1", "room/short.py")
    assert file_lines_figure((long, short)).breaches == ("room/module.py 451",)
    assert function_lines_figure((long, short)).breaches == ("room/module.py:1 grown 51",)


def test_a_constructor_counts_its_parameters_without_self() -> None:
    six = a_file("class A:\n    def __init__(self, a, b, /, c, *d, e, **f): ...")
    seven = a_file("class B:\n    def __init__(self, a, b, c, *, d, e, f, g): ...")
    assert constructors_figure((six, seven)).breaches == ("room/module.py:2 B 7",)


def test_a_class_name_used_twice_is_found_with_its_files() -> None:
    files = (a_file("class A: ...", "a.py"), a_file("class A: ...\nclass B: ...", "b.py"))
    assert class_names_figure(files).breaches == ("A: a.py, b.py",)


def test_imports_that_lead_back_are_a_circle() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        graph.add_import(importer=importer, imported=imported)
    assert in_circles(graph) == {"a", "b", "c"}


def test_an_import_runs_up_if_its_goal_is_on_a_higher_floor() -> None:
    graph = grimp.ImportGraph()
    graph.add_import(importer="p.low.a", imported="p.high.b")
    graph.add_import(importer="p.high.b", imported="p.low.c")
    graph.add_import(importer="p.low.a", imported="p.beside.d")
    ranks = {"p.high": 1, "p.low": 0, "p.beside": 0}
    assert upward_imports(graph, ranks) == ["p.low.a → p.high.b"]


@pytest.mark.parametrize(
    "reasoned",
    [
        "LIMIT = 5  # what the proxy allows",
        "# What the proxy allows.\nLIMIT = 5",
        'LIMIT = 5\n"""What the proxy allows."""',
        'class S:\n    limit: int = Field(5, ge=1, description="What the proxy allows.")',
        "def f(\n    *,\n    limit: int = 5,  # what the proxy allows\n): ...",
        'def verb(limit: Annotated[int, Option(help="How many.")] = 5): ...',
        "TABLE = {\n    # Tried with 2: too few.\n    'a': 5,\n    'b': 6,\n}",
    ],
)
def test_a_number_with_a_reason_beside_it_is_reasoned(reasoned: str) -> None:
    assert [each.has_reason for each in chosen_numbers(a_file(reasoned))] == [True]


@pytest.mark.parametrize(
    ("bare", "name"),
    [
        ("LIMIT = 5", "LIMIT"),
        ("LIMIT: Final = 64 * 1024", "LIMIT"),
        ("# Too far above.\n\nLIMIT = 5", "LIMIT"),
        ("SIZES = (2, 4)", "SIZES"),
        ("@dataclass\nclass L:\n    limit: int = 5", "limit"),
        ("class S:\n    limit: int = Field(5, ge=1)", "limit"),
        ("def f(*, limit: int = 5): ...", "limit"),
        ("SIZES = (2, 4)  # fmt: skip", "SIZES"),
        ("def f(a, limit=5): ...", "limit"),
        ("FIRST = 5  # what the proxy allows\nSECOND = 6", "SECOND"),
    ],
)
def test_a_number_without_a_reason_is_found(bare: str, name: str) -> None:
    assert without_reason(bare) == [name]


@pytest.mark.parametrize(
    "not_chosen",
    [
        "FIRST = 0",
        "STEP = -1",
        "class Opcode(IntEnum):\n    TEXT = 3",
        "class NotFound(Exception):\n    http_status = 404",
        "ROOT = Path(__file__).parents[2]",
        '"""Headers of RFC 6455."""\n\nMASK = 0x80',
        "def f():\n    return 5",
    ],
)
def test_a_number_that_was_not_chosen_is_not_counted(not_chosen: str) -> None:
    assert list(chosen_numbers(a_file(not_chosen))) == []


def test_a_mask_counts_in_a_module_that_names_no_rfc() -> None:
    assert without_reason("MASK = 0x80") == ["MASK"]
