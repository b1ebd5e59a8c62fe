"""What a client does after each close code: the one table behind every SDK.

`contract/close_codes.json` is this table, written out for TypeScript and the docs. A code
that is not in it is a broken connection: back off and resume.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fanwire.errors import CLOSE_CODES, RealtimeError, Unauthorized


class Retry(StrEnum):
    """How a client may come back."""

    BACKOFF = "backoff"
    REFRESH_TOKEN = "refresh_token"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class CloseRule:
    """One row: a code, its error, and whether and how to come back."""

    code: int
    error: type[RealtimeError]
    retry: Retry

    @property
    def terminal(self) -> bool:
        """Tell whether coming back would only fail again."""
        return self.retry is Retry.NEVER

    def as_dict(self) -> dict[str, object]:
        """Return the row as `contract/close_codes.json` has it."""
        return {
            "code": self.code,
            "name": self.error.name,
            "terminal": self.terminal,
            "refreshToken": self.retry is Retry.REFRESH_TOKEN,
            "retry": self.retry.value,
            "meaning": meaning_of(self.error),
            "remedy": self.error.remedy,
        }


def rule_of(code: int) -> CloseRule | None:
    """Return the rule of a close code, or None for one that is not ours."""
    return _RULES.get(code)


def close_rules() -> list[CloseRule]:
    """Return every rule, by code."""
    return [_RULES[code] for code in sorted(_RULES)]


def meaning_of(error: type[RealtimeError]) -> str:
    """Return the first line of an error's description."""
    return (error.__doc__ or "").partition("\n")[0]


def _retry_of(error: type[RealtimeError]) -> Retry:
    if issubclass(error, Unauthorized):
        return Retry.REFRESH_TOKEN
    return Retry.BACKOFF if error.retryable else Retry.NEVER


_RULES: Final = {
    error.code: CloseRule(error.code, error, _retry_of(error)) for error in CLOSE_CODES
}
