"""The settings of a process as JSON, for `fanwire config`.

The command may not import the servers, so each has a module that prints this: what is set, from
where, and what the process would say at its start. Secrets are told as set or not, and values
that are refused are not told at all.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from pydantic import SecretStr

from shared.settings.loading import EnvSettings, SettingsProblem, read_settings, variable_names
from shared.settings.page import HEAD, is_of_class, section


def print_report(classes: Sequence[type[EnvSettings]]) -> None:
    """Print the report on what a process reads, in the order in which it does."""
    report = {"head": HEAD, "classes": [_report(cls) for cls in classes]}
    print(orjson.dumps(report, default=str).decode())  # noqa: T201  its output is its result


def _report(cls: type[EnvSettings]) -> dict[str, object]:
    problem, loaded = None, None
    try:
        loaded = read_settings(cls)
    except SettingsProblem as found:
        problem = str(found)
    return {
        "name": cls.__name__,
        "problem": problem,
        "section": "\n".join(section(cls)),
        "settings": list(_settings(cls, loaded, _given(os.environ))),
    }


def _settings(
    cls: type[EnvSettings], loaded: EnvSettings | None, given: Iterable[str]
) -> Iterator[dict[str, object]]:
    for name, variable in variable_names(cls).items():
        if not is_of_class(cls, name, variable):
            continue
        value, is_secret = _shown(None if loaded is None else getattr(loaded, name))
        yield {
            "variable": variable,
            "value": value,
            "origin": "environment" if variable in given else "default",
            "secret": is_secret,
        }


def _shown(value: Any) -> tuple[Any, bool]:
    if isinstance(value, SecretStr):
        return "(set)", True
    return (",".join(value) if isinstance(value, tuple) else value), False


def _given(environ: Mapping[str, str]) -> frozenset[str]:
    # An empty variable counts as not set.
    return frozenset(name.upper() for name, value in environ.items() if value)
