"""Read settings from the environment, or end the process with one line that names the fix.

A wrong setting is the operator's to mend, so the answer is a sentence with the variable's
name and exit code 78 (EX_CONFIG), never a traceback. Values are not repeated, save numbers:
a secret pasted into the wrong variable would end up in a log.

A variable under a known prefix that nothing reads is refused. Ignored, a typo such as
GATEWAY_ALOWED_ORIGINS would start a server with the very default it was meant to replace.
"""

import contextlib
import difflib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

EXIT_CONFIG: Final = 78
"""EX_CONFIG of sysexits.h."""

DISABLE_PREFIX: Final = "REALTIME_DISABLE_"
_SERVICE_LINK: Final = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)$"
)

_WORDS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of a sane size",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
}


class SettingsProblem(Exception):
    """A setting that cannot be used; the text begins with the variable's name."""


class EnvSettings(BaseSettings):
    """Base of all settings: frozen, read from the environment alone."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,  # compose files pass NAME= for "not set"
        hide_input_in_errors=True,
        populate_by_name=True,
        validate_default=True,
    )


S = TypeVar("S", bound=EnvSettings)


def load_settings(cls: type[S]) -> S:
    """Return the settings, or print one line to stderr and exit with code 78."""
    with exit_on_problem():
        return read_settings(cls)


@contextlib.contextmanager
def exit_on_problem() -> Iterator[None]:
    """Turn a SettingsProblem inside into one line on stderr and exit code 78.

    For `main` too: some problems show only when the server behind a setting has answered.
    """
    try:
        yield
    except SettingsProblem as problem:
        print(f"fanwire: {problem}", file=sys.stderr)  # noqa: T201  a line for the operator
        raise SystemExit(EXIT_CONFIG) from None


def read_settings(cls: type[S]) -> S:
    """Return the settings.

    Raises:
        SettingsProblem: If a variable is missing, wrong or unknown; all of them in one line.
    """
    refuse_foreign_variables(cls, os.environ)
    try:
        return cls()
    except ValidationError as error:
        raise SettingsProblem("; ".join(_sentences(cls, error.errors()))) from None


def variable_names(cls: type[BaseModel]) -> dict[str, str]:
    """Return the environment variable of each field of a settings class."""
    prefix = cls.model_config.get("env_prefix", "")
    return {
        name: field.validation_alias
        if isinstance(field.validation_alias, str)
        else f"{prefix}{name}".upper()
        for name, field in cls.model_fields.items()
    }


def refuse_foreign_variables(cls: type[EnvSettings], environ: Mapping[str, str]) -> None:
    """Raise SettingsProblem for a variable under the prefix of `cls` that nothing reads."""
    prefix = cls.model_config.get("env_prefix", "")
    known = known_variables(prefix)
    for name in sorted(environ):
        if not name.upper().startswith(prefix):
            continue
        if _is_service_link(name.upper(), environ[name], known):
            raise SettingsProblem(
                f"{name} was set by Kubernetes for a Service of that name, not by you: "
                "put `enableServiceLinks: false` into the pod's spec"
            )
        if name.upper() not in known and not name.upper().startswith(DISABLE_PREFIX):
            raise SettingsProblem(f"{name} is not a setting{_suggestion(name, known)}")


def known_variables(prefix: str) -> frozenset[str]:
    """Return every variable under `prefix` that some loaded settings class reads."""
    classes = (cls for cls in _all_subclasses(EnvSettings))
    names = (name for cls in classes for name in variable_names(cls).values())
    return frozenset(name for name in names if name.startswith(prefix))


def _all_subclasses(cls: type[EnvSettings]) -> Iterator[type[EnvSettings]]:
    for child in cls.__subclasses__():
        yield child
        yield from _all_subclasses(child)


def _is_service_link(name: str, value: str, known: frozenset[str]) -> bool:
    # GATEWAY_PORT is our setting and a name that Kubernetes injects: the value tells.
    if name in known:
        return value.startswith(("tcp://", "udp://", "sctp://"))
    return _SERVICE_LINK.search(name) is not None


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.upper(), sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _sentences(cls: type[BaseModel], errors: Iterable[ErrorDetails]) -> Iterator[str]:
    variables = variable_names(cls)
    for error in errors:
        field = str(error["loc"][0]) if error["loc"] else ""
        variable = variables.get(field, field)
        complaint = _complaint(error)
        yield complaint if not variable else f"{variable} {complaint}"


def _complaint(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] in ("value_error", "assertion_error"):
        return str(context.get("error", error["msg"]))
    return _WORDS.get(error["type"], error["msg"]).format(**context)
