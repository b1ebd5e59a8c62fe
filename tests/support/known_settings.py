"""Which environment variables the servers know."""

from fanout.settings import FanoutSettings
from gateway.settings import GatewaySettings
from shared.settings.realtime import RealtimeSettings, TokenSettings
from tests.support.role import OUR_PREFIXES

CLASSES = (RealtimeSettings, TokenSettings, GatewaySettings, FanoutSettings)


def known_settings() -> set[str]:
    """Return the name of every variable."""
    return {
        f"{cls.model_config['env_prefix']}{field}".upper()
        for cls in CLASSES
        for field in cls.model_fields
    }


def unknown_among(names: list[str]) -> list[str]:
    """Return the variables that a server would refuse."""
    ours = [name for name in names if name.startswith(OUR_PREFIXES)]
    return [name for name in ours if name not in known_settings()]


def default_of(name: str) -> object:
    """Return the default of a variable."""
    for cls in CLASSES:
        prefix = str(cls.model_config["env_prefix"])
        field = cls.model_fields.get(name.removeprefix(prefix).lower())
        if name.startswith(prefix) and field is not None:
            return field.default
    raise AssertionError(f"no setting is called {name}")
