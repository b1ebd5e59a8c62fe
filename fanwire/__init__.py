"""Fanwire: publish events to Redis, see them in every browser.

`Publisher` and `AsyncPublisher` write events, `Subscriber` reads them over a gateway's
WebSocket. The servers (`gateway`, `fanout`) build on this package; it never imports them.

The names below are found on first use: a publisher does not pay for WebSockets, and
the servers import the vocabulary without either.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fanwire.errors import RealtimeError
    from fanwire.publish.async_publisher import AsyncPublisher
    from fanwire.publish.new_event import NewEvent
    from fanwire.publish.plan import PublishLimits
    from fanwire.publish.publisher import Publisher
    from fanwire.subscribe.limits import SubscriberLimits
    from fanwire.subscribe.session import Gap
    from fanwire.subscribe.states import State, StateChange
    from fanwire.subscribe.subscriber import Subscriber
    from fanwire.wire.delivered_event import DeliveredEvent

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
    "AsyncPublisher": "fanwire.publish.async_publisher",
    "DeliveredEvent": "fanwire.wire.delivered_event",
    "Gap": "fanwire.subscribe.session",
    "NewEvent": "fanwire.publish.new_event",
    "PublishLimits": "fanwire.publish.plan",
    "Publisher": "fanwire.publish.publisher",
    "RealtimeError": "fanwire.errors",
    "State": "fanwire.subscribe.states",
    "StateChange": "fanwire.subscribe.states",
    "Subscriber": "fanwire.subscribe.subscriber",
    "SubscriberLimits": "fanwire.subscribe.limits",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
