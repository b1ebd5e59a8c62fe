"""Which dead letters can be published again."""

import pytest

from fanwire.cli.inspect.dead_letters import DeadLetter
from fanwire.core.events import REJECTED_HEAD_BYTES


def a_letter(reason: str, head: bytes) -> DeadLetter:
    return DeadLetter("2-0", at_ms=2, reason=reason, entry_id="1-0", head=head)


@pytest.mark.parametrize("reason", ["bad_id", "shape", "poison", "decode"])
def test_whole_data_of_a_faulty_entry_can(reason: str) -> None:
    assert a_letter(reason, b'{"n":1}').obstacle() is None


@pytest.mark.parametrize(
    ("reason", "head", "why"),
    [
        ("schema", b"", "no data"),
        ("too_big", b"1", "256 bytes"),
        ("bad_id", b'"%b"' % (b"x" * (REJECTED_HEAD_BYTES - 2)), "256 bytes"),
        ("decode", b"{bad", "not JSON"),
        ("tenant", b"1", "another org"),
        ("input_gap", b"3", "gone"),
        ("of a later version", b"1", "gone"),
    ],
)
def test_what_is_cut_or_missing_or_of_another_org_cannot(
    reason: str, head: bytes, why: str
) -> None:
    assert why in (a_letter(reason, head).obstacle() or "")
