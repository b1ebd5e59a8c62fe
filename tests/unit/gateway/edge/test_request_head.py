"""Which heads of an upgrade are in form; what is out of form is in test_http_protocol.py."""

from gateway.edge.request_head import Headers, head_fault

GOOD: Headers = [
    (b"host", b"fanwire.example"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
]


def is_in_form(*more: tuple[bytes, bytes]) -> bool:
    fault = head_fault(method="GET", http_version="1.1", headers=[*GOOD, *more], is_upgrade=True)
    return fault is None


def test_an_upgrade_may_say_that_it_has_no_body() -> None:
    assert is_in_form()
    assert is_in_form((b"content-length", b"0"))


def test_B14_an_upgrade_with_a_body_or_with_two_lengths_is_out_of_form() -> None:
    assert not is_in_form((b"content-length", b"1"))
    assert not is_in_form((b"content-length", b"0"), (b"content-length", b"0"))
    assert not is_in_form((b"content-length", b"0"), (b"transfer-encoding", b"chunked"))
