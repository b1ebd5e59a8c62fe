"""The count of a read follows the weight of the last reply, between its bounds."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.input.read_size import ReadLimits, next_count, topic_max_bytes

LIMITS = ReadLimits(fewest=8, most=512, reply_bytes=1_000)


def test_a_heavy_reply_halves_it_and_a_light_one_doubles_it() -> None:
    assert next_count(64, reply_bytes=1_001, limits=LIMITS) == 32
    assert next_count(64, reply_bytes=249, limits=LIMITS) == 128
    assert next_count(64, reply_bytes=500, limits=LIMITS) == 64


@given(count=st.integers(8, 512), reply_bytes=st.integers(0, 10_000))
def test_it_stays_between_its_bounds(count: int, reply_bytes: int) -> None:
    assert 8 <= next_count(count, reply_bytes=reply_bytes, limits=LIMITS) <= 512


def test_a_group_within_its_share_reads_topics_up_to_their_own_bound() -> None:
    assert topic_max_bytes(999, share_bytes=1_000, member_count=10, most=800) == 800


def test_a_group_over_its_share_goes_on_with_its_quiet_topics_alone() -> None:
    assert topic_max_bytes(1_000, share_bytes=1_000, member_count=10, most=800) == 100
