"""Several batches of one service become one that keeps the latest event of each entity.

A socket that lags gets fewer bytes and the same final state. It is told: the frame counts the
events that gave way in `conflated`, and it spans the positions of all of them, so that nothing
looks like a hole. An event without an entity is kept, since nothing replaces it. Events are
taken as they were written; only the frame around them is new.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from fanwire.wire.json_slices import elements
from gateway.websocket.writer import payload_spans, text_frame

_EVENTS: Final = b'"events":['


def conflate(runs: Sequence[bytes]) -> tuple[bytes, int]:
    """Return the frames in `runs`, merged, and how many events gave way.

    Where nothing can be left out, or a frame is no batch, the frames are returned as they are.
    """
    bodies = [body for frames in runs for body in text_payloads(frames)]
    heads = [orjson.loads(body) for body in bodies]
    whole = b"".join(runs)
    if len(bodies) < 2 or any(head["type"] != "batch" for head in heads):
        return whole, 0
    latest: dict[object, bytes] = {}
    count = 0
    for body, head in zip(bodies, heads, strict=True):
        events = elements(body, body.index(_EVENTS) + len(_EVENTS))
        for written, event in zip(events, head["events"], strict=True):
            count += 1
            key = _entity(event)
            latest.pop(key, None)  # the later one takes the later place
            latest[key] = written
    left_out = count - len(latest)
    if not left_out:
        return whole, 0
    told_before = sum(head.get("conflated", 0) for head in heads)
    return _frame(heads, list(latest.values()), told_before + left_out), left_out


def text_payloads(frames: bytes) -> Iterator[bytes]:
    """Return the payloads of whole server text frames that follow each other."""
    for start, end in payload_spans(frames):
        yield frames[start:end]


def _entity(event: dict[str, Any]) -> object:
    if "entityId" not in event:
        return ("seq", event["seq"])
    return ("entity", event.get("entityType"), event["entityId"])


def _frame(heads: Sequence[dict[str, Any]], events: Sequence[bytes], left_out: int) -> bytes:
    first, last = heads[0], heads[-1]
    head = {
        "type": "batch",
        "service": last["service"],
        "prev": first["prev"],
        "position": last["position"],
        "sentAt": last["sentAt"],
        "conflated": left_out,
    }
    opening = orjson.dumps(head)[:-1]
    return text_frame(b"%b,%b%b]}" % (opening, _EVENTS, b",".join(events)))
