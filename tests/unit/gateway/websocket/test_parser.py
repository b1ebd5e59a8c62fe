"""What each frame of a client is taken for. The numbers B26 to B42 are the bad inputs."""

import sys
from itertools import combinations_with_replacement

import pytest

from gateway.websocket.events import (
    BinaryMessage,
    Close,
    FrameEvent,
    FrameLimits,
    Ping,
    Pong,
    TextMessage,
    Violation,
)
from gateway.websocket.header import Opcode
from gateway.websocket.parser import FrameParser
from tests.support.client_frames import client_frame, close, continuation, text


def events_of(*frames: bytes, limits: FrameLimits | None = None) -> list[FrameEvent]:
    return FrameParser(limits or FrameLimits()).feed(b"".join(frames))


def code_of(*frames: bytes, limits: FrameLimits | None = None) -> int:
    """Return the code of the violation that is all these frames lead to."""
    (event,) = events_of(*frames, limits=limits)
    assert isinstance(event, Violation)
    assert event.reason
    return event.close_code


def test_frames_come_out_in_order() -> None:
    assert events_of(
        text(b"one"),
        client_frame(Opcode.PING, b"p"),
        client_frame(Opcode.PONG, b"q"),
        text("zwei €".encode()),
        close(1001, b"bye"),
    ) == [
        TextMessage(b"one"),
        Ping(b"p"),
        Pong(b"q"),
        TextMessage("zwei €".encode()),
        Close(1001, "bye"),
    ]


def test_a_text_without_payload_is_a_message() -> None:
    assert events_of(text(b"")) == [TextMessage(b"")]


@pytest.mark.parametrize("size", [125, 126, 127, 65535, 65536])
def test_a_text_is_read_in_every_form_of_its_length(size: int) -> None:
    assert events_of(text(b"a" * size)) == [TextMessage(b"a" * size)]


def test_fragments_are_joined_around_a_ping() -> None:
    assert events_of(
        text(b"a", is_final=False),
        continuation(b"b"),
        client_frame(Opcode.PING, b"now"),
        continuation(b"c", is_final=True),
        text(b"d"),
    ) == [Ping(b"now"), TextMessage(b"abc"), TextMessage(b"d")]


def test_a_frame_is_put_together_from_any_three_reads() -> None:
    stream = text(b"ab", is_final=False) + client_frame(Opcode.PING, b"p") + continuation(b"c")
    stream += continuation(b"", is_final=True) + close(1000)
    for first, second in combinations_with_replacement(range(len(stream) + 1), 2):
        parser = FrameParser()
        reads = [stream[:first], stream[first:second], stream[second:]]
        assert [event for read in reads for event in parser.feed(read)] == [
            Ping(b"p"),
            TextMessage(b"abc"),
            Close(1000, ""),
        ]


def test_nothing_is_kept_between_whole_frames() -> None:
    parser = FrameParser()
    # The collector's own 16 bytes are not in getsizeof.
    assert sys.getsizeof(parser) + 16 < 100
    parser.feed(text(b"a", is_final=False)[:3])
    parser.feed(text(b"a", is_final=False)[3:] + continuation(b"", is_final=True))
    assert parser._unparsed is None
    assert parser._partial is None


def test_b26_an_unmasked_frame_is_a_protocol_error() -> None:
    assert code_of(client_frame(Opcode.TEXT, b"a", is_masked=False)) == 1002


@pytest.mark.parametrize("bits", [0x40, 0x20, 0x10, 0x70])
def test_b27_reserved_bits_are_a_protocol_error(bits: int) -> None:
    assert code_of(client_frame(Opcode.TEXT, b"a", reserved_bits=bits)) == 1002


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_b28_an_unknown_opcode_is_a_protocol_error(opcode: int) -> None:
    assert code_of(client_frame(opcode)) == 1002


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG, Opcode.CLOSE])
def test_b29_a_control_frame_holds_125_bytes_and_no_more(opcode: Opcode) -> None:
    payload = (1000).to_bytes(2, "big") + b"a" * 123
    (event,) = events_of(client_frame(opcode, payload))
    assert not isinstance(event, Violation)
    assert code_of(client_frame(opcode, payload + b"a")) == 1002


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG, Opcode.CLOSE])
def test_b29_a_fragmented_control_frame_is_a_protocol_error(opcode: Opcode) -> None:
    assert code_of(client_frame(opcode, b"", is_final=False)) == 1002


@pytest.mark.parametrize("is_final", [True, False])
def test_b30_a_continuation_of_no_message_is_a_protocol_error(is_final: bool) -> None:
    assert code_of(continuation(b"a", is_final=is_final)) == 1002


@pytest.mark.parametrize("is_final", [True, False])
def test_b30_a_message_inside_a_fragmented_one_is_a_protocol_error(is_final: bool) -> None:
    assert code_of(text(b"a", is_final=False), text(b"b", is_final=is_final)) == 1002


def test_b30_a_finished_message_is_not_continued() -> None:
    frames = [text(b"a", is_final=False), continuation(b"b", is_final=True), continuation(b"c")]
    assert events_of(*frames)[-1] == Violation(1002, "continuation of no message")


@pytest.mark.parametrize(
    "payload",
    [b"\xff", b"a\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"],
    ids=["byte", "stray", "overlong", "surrogate", "beyond", "cut-short"],
)
def test_b31_text_that_is_not_utf8_is_refused(payload: bytes) -> None:
    assert code_of(text(payload)) == 1007


def test_b31_a_character_may_span_fragments() -> None:
    euro = "€".encode()
    fragments = [text(euro[:1], is_final=False), continuation(euro[1:2])]
    assert events_of(*fragments, continuation(euro[2:], is_final=True)) == [TextMessage(euro)]


def test_b31_a_character_that_stays_unfinished_is_refused() -> None:
    assert code_of(text(b"\xe2\x82", is_final=False), continuation(b"", is_final=True)) == 1007


def test_b31_broken_text_is_refused_at_its_fragment() -> None:
    assert code_of(text(b"\xe2\x82", is_final=False), continuation(b"a")) == 1007


def test_b32_a_message_of_the_allowed_size_is_accepted() -> None:
    limits = FrameLimits(max_message_bytes=300)
    assert events_of(text(b"a" * 300), limits=limits) == [TextMessage(b"a" * 300)]


def test_b32_one_byte_more_is_too_big() -> None:
    assert code_of(text(b"a" * 301), limits=FrameLimits(max_message_bytes=300)) == 1009


@pytest.mark.parametrize("declared", [65537, 2**62, 2**63, 2**64 - 1])
def test_b33_a_huge_length_is_refused_by_its_head_alone(declared: int) -> None:
    head = client_frame(Opcode.TEXT, declared_bytes=declared)[:10]
    parser = FrameParser()
    assert parser.feed(head[:9]) == []
    (event,) = parser.feed(head[9:])
    assert isinstance(event, Violation)
    assert event.close_code == 1009


@pytest.mark.parametrize("form", [16, 64])
def test_b34_a_length_spelled_too_long_is_accepted(form: int) -> None:
    assert events_of(client_frame(Opcode.TEXT, b"ab", length_form=form)) == [TextMessage(b"ab")]


@pytest.mark.parametrize("form", [16, 64])
def test_b34_but_not_for_a_control_frame(form: int) -> None:
    assert code_of(client_frame(Opcode.PING, b"ab", length_form=form)) == 1002


def test_b35_fragments_are_too_big_by_their_sum() -> None:
    limits = FrameLimits(max_message_bytes=10)
    whole = [text(b"a" * 6, is_final=False), continuation(b"b" * 4, is_final=True)]
    assert events_of(*whole, limits=limits) == [TextMessage(b"aaaaaabbbb")]
    assert code_of(whole[0], continuation(b"b" * 5), limits=limits) == 1009


def test_b35_the_sum_is_refused_before_the_last_payload_arrives() -> None:
    parser = FrameParser(FrameLimits(max_message_bytes=10))
    head = continuation(b"b" * 5)[:2]
    (event,) = parser.feed(text(b"a" * 6, is_final=False) + head)
    assert isinstance(event, Violation)
    assert event.close_code == 1009


def test_b36_empty_fragments_are_counted() -> None:
    assert code_of(text(b"", is_final=False), *[continuation(b"")] * 5000) == 1009


def test_b36_the_allowed_number_of_fragments_is_accepted() -> None:
    limits = FrameLimits(max_fragments=3)
    last = continuation(b"c", is_final=True)
    start = [text(b"a", is_final=False), continuation(b"b")]
    assert events_of(*start, last, limits=limits) == [TextMessage(b"abc")]
    assert code_of(*start, continuation(b"-"), last, limits=limits) == 1009


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4400, 4999])
def test_b37_a_close_code_that_may_travel_is_accepted(code: int) -> None:
    assert events_of(close(code)) == [Close(code, "")]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_b37_a_close_code_that_may_not_travel_is_a_protocol_error(code: int) -> None:
    assert code_of(close(code)) == 1002


def test_b37_half_a_close_code_is_a_protocol_error() -> None:
    assert code_of(client_frame(Opcode.CLOSE, b"\x03")) == 1002


def test_b37_a_close_reason_must_be_utf8() -> None:
    assert code_of(close(1000, b"\xff")) == 1007


def test_a_close_may_name_no_code() -> None:
    assert events_of(client_frame(Opcode.CLOSE)) == [Close(1005, "")]


def test_b38_nothing_follows_a_close() -> None:
    parser = FrameParser()
    assert parser.feed(close(1000) + text(b"late")) == [Close(1000, "")]
    assert parser.feed(text(b"later") + b"\x81") == []
    assert parser._unparsed is None


def test_b38_nothing_follows_a_violation() -> None:
    parser = FrameParser()
    (violation,) = parser.feed(text(b"a", is_final=False) + client_frame(3) + text(b"late"))
    assert isinstance(violation, Violation)
    assert parser.feed(client_frame(3) + close(1000)) == []
    assert parser._unparsed is None
    assert parser._partial is None


def test_b39_a_close_between_two_fragments_is_clean() -> None:
    frames = [text(b"a", is_final=False), close(1000), continuation(b"b", is_final=True)]
    assert events_of(*frames) == [Close(1000, "")]


@pytest.mark.parametrize("number", ["b40", "b41"])
def test_b40_b41_a_deflated_frame_is_refused_unopened(number: str) -> None:
    payload = {"b40": b"\xec\xc1" * 60, "b41": b"\xff\xff\xff"}[number]
    assert code_of(client_frame(Opcode.TEXT, payload, reserved_bits=0x40)) == 1002


def test_b42_a_binary_frame_is_refused_by_its_head_alone() -> None:
    assert code_of(client_frame(Opcode.BINARY, b"a" * 100)[:2]) == 1003


def test_binary_messages_come_out_where_they_are_accepted() -> None:
    frames = [
        client_frame(Opcode.BINARY, b"\xff", is_final=False),
        continuation(b"", is_final=True),
    ]
    assert events_of(*frames, limits=FrameLimits(accepts_binary=True)) == [BinaryMessage(b"\xff")]
