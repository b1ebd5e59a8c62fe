"""Fanwire: publish events to Redis, see them in every browser.

`Publisher` and `AsyncPublisher` write events, `Subscriber` reads them over a gateway's
WebSocket. The servers (`gateway`, `fanout`) build on this package; it never imports them.

The names below are found on first use: whoever publishes does not pay for WebSockets, and
the servers import the vocabulary without either.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fanwire.async_publisher import AsyncPublisher
    from fanwire.delivered import DeliveredEvent
    from fanwire.errors import RealtimeError
    from fanwire.outgoing import NewEvent
    from fanwire.publish_plan import PublishLimits
    from fanwire.publisher import Publisher
    from fanwire.session_state import Gap
    from fanwire.states import State, StateChange
    from fanwire.subscriber import Subscriber, SubscriberLimits

__all__ = [
    "AsyncPublisher",
    "DeliveredEvent",
    "Gap",
    "NewEvent",
    "PublishLimits",
    "Publisher",
    "RealtimeError",
    "State",
    "StateChange",
    "Subscriber",
    "SubscriberLimits",
]

_HOMES: Final = {
    "AsyncPublisher": "fanwire.async_publisher",
    "DeliveredEvent": "fanwire.delivered",
    "Gap": "fanwire.session_state",
    "NewEvent": "fanwire.outgoing",
    "PublishLimits": "fanwire.publish_plan",
    "Publisher": "fanwire.publisher",
    "RealtimeError": "fanwire.errors",
    "State": "fanwire.states",
    "StateChange": "fanwire.states",
    "Subscriber": "fanwire.subscriber",
    "SubscriberLimits": "fanwire.subscriber",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
