"""A message under way: its fragments so far, and whether they can still become text.

Text is checked with each fragment and not once at the end, so that a client which sends
rubbish is cut off at the first piece of it. A character may span fragments; the check then
halts before it and takes it up again with the next.
"""

from codecs import utf_8_decode


class PartialMessage:
    """Made at the first fragment, gone with the last. An idle connection holds none."""

    __slots__ = ("_checked_bytes", "_payload", "fragment_count", "is_text")

    def __init__(self, *, is_text: bool) -> None:
        self.is_text = is_text
        self.fragment_count = 0
        # One growing array: a list of tiny fragments would cost 30 times their payload.
        self._payload = bytearray()
        self._checked_bytes = 0

    def __len__(self) -> int:
        return len(self._payload)

    def __bytes__(self) -> bytes:
        return bytes(self._payload)

    def add(self, payload: bytes, *, is_final: bool) -> bool:
        """Append a fragment; return whether the whole can still be valid."""
        self.fragment_count += 1
        self._payload += payload
        return not self.is_text or self._check(is_final=is_final)

    def _check(self, *, is_final: bool) -> bool:
        unchecked = self._payload[self._checked_bytes :]
        try:
            _, decoded_bytes = utf_8_decode(unchecked, "strict", is_final)
        except UnicodeDecodeError:
            return False
        self._checked_bytes += decoded_bytes
        return True
