"""How far a refusal reaches."""

import pytest

from fanout.topic.refusals import Refusal, refusal_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STALE cursor 5-0 epoch 1 replid ab on server ab", Refusal.STALE),
        ("WRONGTYPE events:{a}:b is a string, not a stream", Refusal.TOPIC),
        ("The ID specified in XADD is equal or smaller than the target", Refusal.TOPIC),
        ("ERR something about a key", Refusal.TOPIC),
        ("READONLY You can't write against a read only replica.", Refusal.SERVER),
        ("MOVED 3999 127.0.0.1:6381", Refusal.SERVER),
        ("NOSCRIPT No matching script.", Refusal.SERVER),
        ("OOM command not allowed when used memory > 'maxmemory'.", Refusal.SERVER),
        ("MISCONF Errors writing to the AOF file", Refusal.SERVER),
        ("NOPERM this user has no permissions", Refusal.SERVER),
    ],
)
def test_a_refusal_reaches_as_far_as_its_cause(text: str, expected: Refusal) -> None:
    assert refusal_of(text) is expected
