"""A module is pure if the `pure` contract lists it, and every module that could be listed is.

Pure is what imports, directly or through others, nothing that the contract forbids, and waits
for nothing: it is told the time and the chance, and returns what follows. The linter holds what
is listed to it. These tests add what the linter cannot say: that the list is whole, so that a
new decision is under the rule from its first day, and that nothing on it does I/O by another's
hand, which is to be `async` or to take a client of Redis.
"""

import ast
from functools import cache
from typing import Final

import grimp

from tests.architecture.figures.graph import contracts
from tests.support.source_tree import SERVED, SourceFile, source_files

(PURE,) = (contract for contract in contracts("forbidden") if contract["id"] == "pure")
LISTED: Final = frozenset(PURE["source_modules"])
FORBIDDEN: Final = frozenset(PURE["forbidden_modules"])
WAITS: Final = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
CLIENTS: Final = frozenset({"client", "redis"})
"""What a parameter is called through which a function talks to Redis."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*SERVED, include_external_packages=True, cache_dir=None)


def module_of(file: SourceFile) -> str:
    return file.name.removesuffix(".py").replace("/", ".")


def has_hands(file: SourceFile) -> bool:
    return any(
        isinstance(node, WAITS) or (isinstance(node, ast.arg) and node.arg in CLIENTS)
        for node in ast.walk(file.tree)
    )


def could_be_listed(file: SourceFile) -> bool:
    module = module_of(file)
    if module.endswith("__init__") or has_hands(file):
        return False
    return not graph().find_upstream_modules(module) & FORBIDDEN


def test_every_module_that_could_be_on_the_list_of_pure_ones_is_on_it() -> None:
    pure = {module_of(file) for file in source_files(*SERVED) if could_be_listed(file)}
    assert sorted(pure - LISTED) == []


def test_no_module_on_the_list_does_io_by_another_hand() -> None:
    files = {module_of(file): file for file in source_files(*SERVED)}
    assert [module for module in sorted(LISTED) if has_hands(files[module])] == []


def test_the_list_is_in_order() -> None:
    assert PURE["source_modules"] == sorted(LISTED)


def test_what_reads_the_clock_or_a_socket_could_not_be_listed() -> None:
    files = {file.name: file for file in source_files(*SERVED)}
    for name in ("shared/runtime.py", "shared/logs.py", "fanwire/cli/inspect/nodes.py"):
        assert not could_be_listed(files[name])
