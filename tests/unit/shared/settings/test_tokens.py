"""How tokens are checked: one family of keys, none of them guessable."""

from pathlib import Path

import pytest

from shared.settings.realtime import TokenSettings, load_settings
from tests.support.environment import SECRET, refusal, set_environment

JWKS = {"REALTIME_JWT_SECRET": "", "REALTIME_JWKS_URL": "https://issuer.test/keys"}


def test_a_secret_means_hs256(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)
    settings = load_settings(TokenSettings)
    assert settings.secret == SECRET.encode()
    assert settings.algorithms == ("HS256",)


def test_a_jwks_means_public_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, **JWKS)
    settings = load_settings(TokenSettings)
    assert settings.secret is None
    assert settings.algorithms == ("RS256", "ES256")


@pytest.mark.parametrize("secret", ["short", "x" * 31])
def test_B90_a_short_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    set_environment(monkeypatch, REALTIME_ENV="dev", REALTIME_JWT_SECRET=secret)
    line = refusal(TokenSettings, capsys)
    assert line == "fanwire: REALTIME_JWT_SECRET must hold at least 32 bytes"


@pytest.mark.parametrize(("algorithms", "needed"), [("HS384", 48), ("HS256,HS512", 64)])
def test_B90_a_secret_is_as_long_as_the_longest_hash(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    algorithms: str,
    needed: int,
) -> None:
    long_enough = (SECRET * 2)[:needed]
    set_environment(
        monkeypatch, REALTIME_JWT_ALGORITHMS=algorithms, REALTIME_JWT_SECRET=long_enough
    )
    load_settings(TokenSettings)
    monkeypatch.setenv("REALTIME_JWT_SECRET", long_enough[:-1])
    line = refusal(TokenSettings, capsys)
    assert line == f"fanwire: REALTIME_JWT_SECRET must hold at least {needed} bytes"


@pytest.mark.parametrize("secret", ["dev-" + SECRET, "0" * 40, "abcdef" * 8])
def test_a_development_secret_serves_in_dev_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    set_environment(monkeypatch, REALTIME_ENV="dev", REALTIME_JWT_SECRET=secret)
    load_settings(TokenSettings)
    monkeypatch.setenv("REALTIME_ENV", "production")
    line = refusal(TokenSettings, capsys)
    assert line.startswith("fanwire: REALTIME_JWT_SECRET is a development secret")
    assert secret not in line


@pytest.mark.parametrize(
    "variables",
    [
        {"REALTIME_JWT_SECRET": ""},
        {"REALTIME_JWKS_URL": "https://issuer.test/keys"},
        {"REALTIME_JWT_SECRET_FILE": "/run/secret"},
    ],
    ids=["none", "secret and JWKS", "secret and file"],
)
def test_keys_have_exactly_one_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str]
) -> None:
    set_environment(monkeypatch, **variables)
    assert "and only one of them" in refusal(TokenSettings, capsys)


@pytest.mark.parametrize(
    "variables",
    [
        {"REALTIME_JWT_ALGORITHMS": "none"},
        {"REALTIME_JWT_ALGORITHMS": "HS256,none"},
        {"REALTIME_JWT_ALGORITHMS": "HS256,RS256"},
        {"REALTIME_JWT_ALGORITHMS": "RS256"},
        {"REALTIME_JWT_ALGORITHMS": "EdDSA"},
        {"REALTIME_JWT_ALGORITHMS": "hs256"},
        {"REALTIME_JWT_ALGORITHMS": "SHA256"},
        JWKS | {"REALTIME_JWT_ALGORITHMS": "HS256"},
        JWKS | {"REALTIME_JWT_ALGORITHMS": "RS256,HS256"},
        JWKS | {"REALTIME_JWT_ALGORITHMS": "NONE"},
    ],
    ids=lambda variables: " ".join(variables.values()),
)
def test_B129_algorithms_are_of_the_family_of_the_keys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str]
) -> None:
    set_environment(monkeypatch, **variables)
    line = refusal(TokenSettings, capsys)
    assert line.startswith("fanwire: REALTIME_JWT_ALGORITHMS must be among")


@pytest.mark.parametrize("variable", ["REALTIME_JWT_ISSUER", "REALTIME_JWT_AUDIENCE"])
def test_B129_issuer_and_audience_are_required(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    set_environment(monkeypatch, **{variable: ""})
    assert refusal(TokenSettings, capsys) == f"fanwire: {variable} is required"


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.test/keys",
        "https://user:hunter2@issuer.test/keys",
        "https://localhost/keys",
        "https://127.0.0.1/keys",
        "https://10.0.0.8/keys",
        "https://[::1]/keys",
        "https://169.254.169.254/keys",
        "file:///etc/passwd",
        "issuer.test/keys",
    ],
)
def test_B131_the_jwks_is_public_https_without_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    set_environment(monkeypatch, REALTIME_JWT_SECRET="", REALTIME_JWKS_URL=url)
    line = refusal(TokenSettings, capsys)
    assert line.startswith("fanwire: REALTIME_JWKS_URL must")
    assert "hunter2" not in line


def test_B131_a_private_issuer_needs_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(
        monkeypatch,
        REALTIME_JWT_SECRET="",
        REALTIME_JWKS_URL="http://127.0.0.1:8080/keys",
        REALTIME_JWKS_INSECURE="true",
    )
    load_settings(TokenSettings)


def test_keys_may_not_age_faster_than_they_are_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, **JWKS, REALTIME_JWKS_MAX_AGE_S="60")
    line = refusal(TokenSettings, capsys)
    assert line.startswith("fanwire: REALTIME_JWKS_MAX_AGE_S (60) must be at least")


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    set_environment(monkeypatch, REALTIME_JWT_SECRET="", REALTIME_JWT_SECRET_FILE=str(path))
    assert load_settings(TokenSettings).secret == SECRET.encode()


def test_B134_an_unreadable_file_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    absent = tmp_path / "absent"
    set_environment(monkeypatch, REALTIME_JWT_SECRET="", REALTIME_JWT_SECRET_FILE=str(absent))
    assert refusal(TokenSettings, capsys) == (
        "fanwire: REALTIME_JWT_SECRET_FILE cannot be read: No such file or directory"
    )


def test_B134_a_file_that_is_no_text_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"\xff" * 40)
    path.chmod(0o600)
    set_environment(monkeypatch, REALTIME_JWT_SECRET="", REALTIME_JWT_SECRET_FILE=str(path))
    assert refusal(TokenSettings, capsys).endswith("cannot be read: it is not text")


def test_B134_a_file_that_everyone_may_read_is_worth_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o644)
    set_environment(monkeypatch, REALTIME_JWT_SECRET="", REALTIME_JWT_SECRET_FILE=str(path))
    load_settings(TokenSettings)
    warning = capsys.readouterr().err
    assert warning == "fanwire: REALTIME_JWT_SECRET_FILE is readable by every user\n"
