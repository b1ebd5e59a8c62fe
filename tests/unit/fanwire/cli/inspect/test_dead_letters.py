"""Which dead letters can be published again."""

from dataclasses import replace

import pytest

from fanwire.cli.inspect.dead_letters import DeadLetter
from fanwire.core.entries.rejected import MAX_DATA_BYTES, REJECTED_HEAD_BYTES


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


def test_data_that_a_letter_keeps_whole_can_whatever_its_size() -> None:
    data = b'"%b"' % (b"x" * (MAX_DATA_BYTES - 2))
    letter = replace(a_letter("too_big", data), data_bytes=len(data))
    assert letter.obstacle() is None
    cut = replace(a_letter("too_big", data[:REJECTED_HEAD_BYTES]), data_bytes=len(data))
    assert "256 bytes" in (cut.obstacle() or "")
