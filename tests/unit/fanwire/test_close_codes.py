"""What a client does after a close code."""

import pytest

from fanwire.close_codes import Retry, close_rules, rule_of
from fanwire.errors import CLOSE_CODES


@pytest.mark.parametrize("code", [4400, 4403, 4413])
def test_a_terminal_code_is_never_retried(code: int) -> None:
    rule = rule_of(code)
    assert rule is not None
    assert rule.terminal


def test_only_an_unaccepted_token_asks_for_a_fresh_one() -> None:
    refreshing = [rule.code for rule in close_rules() if rule.retry is Retry.REFRESH_TOKEN]
    assert refreshing == [4401]


@pytest.mark.parametrize("code", [1012, 1013, 4410, 4429])
def test_every_other_code_is_retried_with_backoff(code: int) -> None:
    rule = rule_of(code)
    assert rule is not None
    assert rule.retry is Retry.BACKOFF


def test_a_foreign_code_has_no_rule() -> None:
    assert rule_of(1006) is None


def test_no_two_errors_share_a_close_code() -> None:
    assert len(close_rules()) == len(CLOSE_CODES)
