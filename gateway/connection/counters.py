"""What a gateway has done with its callers since its start: plain integers."""

from collections import Counter

from fanwire.errors import Forbidden, RealtimeError, TokenInUrl, Unauthorized

_AUTH_ERRORS = (Unauthorized, Forbidden, TokenInUrl)


class GatewayCounters:
    """Counted once per socket, request or resume."""

    def __init__(self) -> None:
        self.opened = 0
        self.rejected: Counter[str] = Counter()
        self.closed: Counter[int] = Counter()
        self.auth_failures: Counter[str] = Counter()
        self.resumes: Counter[str] = Counter()

    def reject(self, error: RealtimeError) -> None:
        """Count an upgrade that was refused."""
        self.rejected[error.name] += 1
        self.judge(error)

    def judge(self, error: RealtimeError) -> None:
        """Count a refusal for its token's sake, if it is one."""
        if isinstance(error, _AUTH_ERRORS):
            self.auth_failures[error.name] += 1
