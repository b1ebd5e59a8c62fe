"""An environment that holds exactly the settings of a test."""

import os

import pytest

from shared.settings.loading import EXIT_CONFIG, EnvSettings, load_settings
from tests.support.role import OUR_PREFIXES

SECRET = "Zk3v9Qm1Xr7Tn5Wb2Yc8Hd4Jf6Lg0PsA"

VALID = {
    "REALTIME_REDIS_URL": "unix:///run/redis.sock",
    "REALTIME_JWT_SECRET": SECRET,
    "REALTIME_JWT_ISSUER": "https://issuer.test",
    "REALTIME_JWT_AUDIENCE": "fanwire",
}


def set_environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Replace all our variables by VALID and `variables`; an empty one counts as not set."""
    for name in list(os.environ):
        if name.startswith(OUR_PREFIXES):
            monkeypatch.delenv(name)
    for name, value in (VALID | variables).items():
        monkeypatch.setenv(name, value)


def refusal(cls: type[EnvSettings], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line with which loading `cls` ends the process."""
    with pytest.raises(SystemExit) as ended:
        load_settings(cls)
    assert ended.value.code == EXIT_CONFIG == 78
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.count("\n") == 1, "one line, no traceback"
    return written.err.rstrip("\n")
