"""From a caller's token to its claims, for upgrades, HTTP calls and fresh tokens alike."""

from dataclasses import dataclass

from fanwire.auth.claims import Claims
from fanwire.core.clock import wall_ms
from gateway.auth.tokens import TokenVerifier
from gateway.session.revocations import Revocations


@dataclass(frozen=True, slots=True)
class Credentials:
    """Checks tokens; what was revoked is known once the token's org was opened."""

    verifier: TokenVerifier
    revocations: Revocations

    def claims_of(self, token: str) -> Claims:
        """Return what a token says. Raises Unauthorized; revocation is not looked at."""
        now_s = wall_ms() / 1000  # tokens know no other clock
        return self.verifier.verify(token, now_s=now_s)

    def check_revoked(self, claims: Claims) -> None:
        """Refuse claims that were called back. Raises Unauthorized, RedisUnavailable."""
        self.revocations.check(claims)
