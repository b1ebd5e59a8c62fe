"""A documented setting changes something; one that is in no table here fails.

The settings that a class reads and the tables below are compared, so a setting that is added comes
with what it does.
"""

import dataclasses
import inspect
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from fanout import settings_report as fanout_settings
from gateway import settings_report as gateway_settings
from shared.settings.loading import variable_names
from shared.telemetry.settings import Exports
from tests.support.effects import (
    fanout_settings as of_fanout,
)
from tests.support.effects import (
    gateway_settings as of_gateway,
)
from tests.support.effects import (
    shared_settings as of_both,
)
from tests.support.effects import (
    token_settings as of_tokens,
)
from tests.support.effects.effect import Effect, Elsewhere
from tests.support.environment import SECRET, set_environment
from tests.support.issuer import published_keys
from tests.support.jwks_stub import jwks_stub
from tests.support.source_tree import CHECKOUT

TABLE: Final[Mapping[str, Effect | Elsewhere]] = {
    **of_both.EFFECTS,
    **of_tokens.EFFECTS,
    **of_gateway.EFFECTS,
    **of_fanout.EFFECTS,
}
SHOWN: Final = {name: row for name, row in TABLE.items() if isinstance(row, Effect)}
ELSEWHERE: Final = {name: row for name, row in TABLE.items() if isinstance(row, Elsewhere)}
CLASSES: Final = {*gateway_settings.CLASSES, *fanout_settings.CLASSES}


@pytest.fixture
async def places(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """What stands for `{secret_file}` and `{jwks_url}` in a value."""
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET)
    secret_file.chmod(0o600)
    async with jwks_stub() as stub:
        stub.serve(published_keys("ES256"))
        yield {"secret_file": str(secret_file), "jwks_url": stub.url}


async def seen(effect: Effect) -> Any:
    found = effect.seen()
    return await found if inspect.isawaitable(found) else found


@pytest.mark.parametrize("variable", SHOWN)
async def test_a_setting_changes_what_is_seen(
    variable: str, places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = SHOWN[variable]
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    beside = {name: value.format(**places) for name, value in effect.beside.items()}
    set_environment(monkeypatch, **beside)
    before = await seen(effect)
    monkeypatch.setenv(variable, effect.value.format(**places))
    after = await seen(effect)
    assert before != effect.then
    assert after == effect.then


@pytest.mark.parametrize("variable", ELSEWHERE)
def test_what_shows_elsewhere_is_set_there(variable: str) -> None:
    row = ELSEWHERE[variable]
    file = CHECKOUT / row.path
    written = file.read_text()
    assert f"def {row.name}(" in written
    assert variable in written + (file.parent / "conftest.py").read_text()


def test_every_setting_is_in_a_table() -> None:
    settings = {name for cls in CLASSES for name in variable_names(cls).values()}
    assert {name for name in settings if name not in TABLE} == set()
    unknown = {name for name in TABLE if name not in settings and not name.startswith("OTEL_")}
    assert unknown == {"REALTIME_DISABLE_TASKS"}


def test_every_export_is_switched_by_a_variable() -> None:
    assert [field.name for field in dataclasses.fields(Exports)] == ["traces", "metrics"]
    assert {"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"} <= TABLE.keys()
