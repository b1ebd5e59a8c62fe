"""How tokens are checked: REALTIME_JWT_*, REALTIME_JWKS_*, REALTIME_TOKEN_*, for the gateway alone.

Exactly one family of keys: a shared secret (HS*) or public keys from a JWKS (RS*, PS*, ES*, EdDSA).
With both, a token signed with the published public key as if it were the secret could pass.
"""

import stat
import sys
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from fanwire.auth.claim_mapping import (
    ClaimDefaults,
    ClaimMapping,
    ScopeGrants,
    granted_properties,
    granted_services,
    scope_services,
)
from fanwire.auth.claims import DEFAULT_LEEWAY_S
from fanwire.auth.token_presets import TokenPreset, with_preset
from fanwire.auth.token_size import DEFAULT_TOKEN_BYTES, LARGEST_TOKEN_BYTES
from fanwire.core.ids import Org
from fanwire.token_algorithms import (
    PUBLIC_DEFAULT,
    PUBLIC_KEY_ALGORITHMS,
    SECRET_ALGORITHMS,
    SECRET_DEFAULT,
    least_secret_bytes,
)
from shared.settings.claim_types import (
    ClaimName,
    OrgId,
    PropertyList,
    ScopeTable,
    ServiceList,
)
from shared.settings.loading import EnvSettings
from shared.settings.types import CommaSeparated, Environment
from shared.settings.url_rules import jwks_url_problem

DEVELOPMENT_SECRET_PREFIX: Final = "dev-"
"""A secret that begins so is a development secret; production refuses it."""

MIN_SECRET_VARIETY: Final = 8
"""Random bytes or letters hold many more; `aaaa…` and `0101…` do not."""


class TokenSettings(EnvSettings):
    """Read from REALTIME_JWT_*, REALTIME_JWKS_* and REALTIME_TOKEN_* variables."""

    model_config = SettingsConfigDict(env_prefix="REALTIME_")

    env: Environment = "production"
    jwt_secret: SecretStr | None = Field(
        None, description="Shared secret of HS* tokens: 32 bytes, 48 for HS384, 64 for HS512."
    )
    jwt_secret_file: Path | None = Field(
        None, description="File that holds the secret instead, e.g. a mounted Kubernetes secret."
    )
    jwks_url: str | None = Field(None, description="Where the issuer publishes its keys.")
    jwks_insecure: bool = Field(
        False, description="Allow `http://` and private addresses for the JWKS."
    )
    jwks_refresh_s: int = Field(300, ge=10, le=86_400, description="How often keys are re-read.")
    jwks_max_age_s: int = Field(
        3_600, ge=60, le=604_800, description="How long keys serve while the issuer is down."
    )
    jwt_algorithms: CommaSeparated = Field(
        (),
        description="Accepted algorithms, `HS256` by default; of HS*, or with a JWKS of RS*, PS*, "
        "ES* and EdDSA, there by default `RS256,ES256`.",
    )
    jwt_issuer: str = Field(description="The `iss` that tokens must have.")
    jwt_audience: str = Field(description="The `aud` that tokens must have.")
    jwt_leeway_s: int = Field(
        DEFAULT_LEEWAY_S, ge=0, le=10, description="Clock difference that is forgiven."
    )
    jwt_max_lifetime_s: int = Field(
        86_400, ge=60, le=86_400, description="Longest time from `iat` to `exp`."
    )
    token_max_bytes: int = Field(
        DEFAULT_TOKEN_BYTES,
        ge=1_024,
        le=LARGEST_TOKEN_BYTES,
        description="Longest token; proxies in front must pass on a header of that length.",
    )

    token_preset: TokenPreset | None = Field(
        None, description="Whose tokens: fills in what follows, where nothing else is set."
    )
    token_user_claim: ClaimName = Field(
        "sub", description="The claim that holds the user; nested as `a.b`, `a.0`."
    )
    token_org_claim: ClaimName = Field("org", description="The claim that holds the org.")
    token_services_claim: ClaimName = Field(
        "services", description="The claim that lists services, or holds `*`."
    )
    token_properties_claim: ClaimName = Field(
        "properties", description="The claim that lists properties, or holds `*`."
    )
    token_publish_claim: ClaimName = Field(
        "publish", description="The claim that is true of who may publish."
    )
    token_client_claim: Literal["azp", "client_id"] | None = Field(
        None, description="What is compared with the audience in a token without `aud`."
    )
    token_jti_optional: bool = Field(
        False, description="Accept tokens without `jti`; their SHA-256 is revoked in its place."
    )
    token_scope_claim: ClaimName | None = Field(
        None, description="The claim that holds scopes, roles or groups: a text or a list."
    )
    token_scopes: ScopeTable = Field(
        (), description="What each of them opens: `scope=service+service`, or `scope=*`."
    )
    token_default_org: OrgId | None = Field(
        None, description="The org of tokens that have no claim for it."
    )
    token_default_services: ServiceList = Field(
        (), description="The services of tokens without a claim for them; `*` for all."
    )
    token_default_properties: PropertyList = Field(
        (), description="The properties of tokens without a claim for them; `*` for all."
    )

    @property
    def secret(self) -> bytes | None:
        """The shared secret, from the variable or the file; None with a JWKS."""
        return self.jwt_secret.get_secret_value().encode() if self.jwt_secret else None

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The accepted algorithms, all of one family."""
        return self.jwt_algorithms or (PUBLIC_DEFAULT if self.jwks_url else SECRET_DEFAULT)

    @property
    def claim_mapping(self) -> ClaimMapping:
        """Which claim holds what."""
        return ClaimMapping(
            user=self.token_user_claim,
            org=self.token_org_claim,
            services=self.token_services_claim,
            properties=self.token_properties_claim,
            publish=self.token_publish_claim,
            client=self.token_client_claim,
            token_id_is_optional=self.token_jti_optional,
            scopes=self._scope_grants,
            defaults=ClaimDefaults(
                Org(self.token_default_org) if self.token_default_org else None,
                granted_services(self.token_default_services),
                granted_properties(self.token_default_properties),
            ),
        )

    @property
    def _scope_grants(self) -> ScopeGrants | None:
        if self.token_scope_claim is None:
            return None
        return ScopeGrants(self.token_scope_claim, scope_services(self.token_scopes))

    @model_validator(mode="before")
    @classmethod
    def _keys_have_one_source(cls, values: dict[str, Any]) -> dict[str, Any]:
        sources = [values.get(name) for name in ("jwt_secret", "jwt_secret_file", "jwks_url")]
        if sum(source is not None for source in sources) != 1:
            raise ValueError(
                "REALTIME_JWT_SECRET, REALTIME_JWT_SECRET_FILE or REALTIME_JWKS_URL is required, "
                "and only one of them"
            )
        path = values.get("jwt_secret_file")
        return values if path is None else values | {"jwt_secret": _file_secret(Path(path))}

    @model_validator(mode="before")
    @classmethod
    def _preset_fills_in(cls, values: dict[str, Any]) -> dict[str, Any]:
        return with_preset(values)

    @model_validator(mode="after")
    def _algorithms_fit_the_keys(self) -> Self:
        allowed = PUBLIC_KEY_ALGORITHMS if self.jwks_url else SECRET_ALGORITHMS
        if not set(self.algorithms) <= set(allowed):
            raise ValueError(
                f"REALTIME_JWT_ALGORITHMS must be among {' '.join(allowed)} "
                f"with {'REALTIME_JWKS_URL' if self.jwks_url else 'a shared secret'}"
            )
        return self

    @model_validator(mode="after")
    def _secret_is_strong(self) -> Self:
        secret = self.secret
        if secret is None:
            return self
        name = "REALTIME_JWT_SECRET_FILE" if self.jwt_secret_file else "REALTIME_JWT_SECRET"
        needed = least_secret_bytes(self.algorithms)
        if len(secret) < needed:
            raise ValueError(f"{name} must hold at least {needed} bytes")
        if self.env == "production" and _is_guessable(secret):
            raise ValueError(
                f"{name} is a development secret; make one with `openssl rand -base64 48`"
            )
        return self

    @model_validator(mode="after")
    def _jwks_url_is_safe(self) -> Self:
        if self.jwks_url is not None:
            problem = jwks_url_problem(self.jwks_url, insecure=self.jwks_insecure)
            if problem:
                raise ValueError(f"REALTIME_JWKS_URL {problem}")
            if self.jwks_max_age_s < self.jwks_refresh_s:
                raise ValueError(
                    f"REALTIME_JWKS_MAX_AGE_S ({self.jwks_max_age_s}) must be at least "
                    f"REALTIME_JWKS_REFRESH_S ({self.jwks_refresh_s})"
                )
        return self

    @model_validator(mode="after")
    def _scopes_are_found_and_open_something(self) -> Self:
        if self.token_scopes and self.token_scope_claim is None:
            raise ValueError(
                "REALTIME_TOKEN_SCOPES needs REALTIME_TOKEN_SCOPE_CLAIM: name the claim that holds "
                "the scopes"
            )
        if self.token_scope_claim is not None and not self.token_scopes:
            raise ValueError(
                "REALTIME_TOKEN_SCOPE_CLAIM needs REALTIME_TOKEN_SCOPES: say what each scope "
                "opens, as scope=service"
            )
        if self.token_scope_claim == self.token_services_claim:
            raise ValueError(
                "REALTIME_TOKEN_SCOPE_CLAIM must differ from REALTIME_TOKEN_SERVICES_CLAIM: a "
                "claim holds scopes or names of services"
            )
        return self


def _is_guessable(secret: bytes) -> bool:
    return (
        secret.startswith(DEVELOPMENT_SECRET_PREFIX.encode())
        or len(set(secret)) < MIN_SECRET_VARIETY
    )


def _file_secret(path: Path) -> str:
    try:
        if path.stat().st_mode & stat.S_IROTH:
            # Kubernetes mounts secrets world-readable by default: worth a word, not a refusal.
            print("fanwire: REALTIME_JWT_SECRET_FILE is readable by every user", file=sys.stderr)  # noqa: T201
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"REALTIME_JWT_SECRET_FILE cannot be read: {reason}") from None
