"""Fanwire: publish events to Redis, see them in every browser.

`Publisher` and `AsyncPublisher` write events, `Subscriber` reads them over a gateway's
WebSocket; every error that they raise is here as well. The servers (`gateway`, `fanout`) build
on this package; it never imports them.

The names below are found on first use: a publisher does not pay for WebSockets, and
the servers import the vocabulary without either.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fanwire.errors import (
        BadMessage,
        BodyTooLarge,
        Busy,
        Disabled,
        Draining,
        Forbidden,
        InvalidBody,
        InvalidEvent,
        InvalidId,
        InvalidPosition,
        Kicked,
        NotFound,
        NotReplicated,
        Overloaded,
        RateLimited,
        RealtimeError,
        RedisRefused,
        RedisUnauthorized,
        RequestTimeout,
        SlowConsumer,
        StaleVersion,
        TokenInUrl,
        TooManyServices,
        Unauthorized,
        Unreachable,
        UnsupportedMediaType,
    )
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
    "BadMessage",
    "BodyTooLarge",
    "Busy",
    "DeliveredEvent",
    "Disabled",
    "Draining",
    "Forbidden",
    "Gap",
    "InvalidBody",
    "InvalidEvent",
    "InvalidId",
    "InvalidPosition",
    "Kicked",
    "NewEvent",
    "NotFound",
    "NotReplicated",
    "Overloaded",
    "PublishLimits",
    "Publisher",
    "RateLimited",
    "RealtimeError",
    "RedisRefused",
    "RedisUnauthorized",
    "RequestTimeout",
    "SlowConsumer",
    "StaleVersion",
    "State",
    "StateChange",
    "Subscriber",
    "SubscriberLimits",
    "TokenInUrl",
    "TooManyServices",
    "Unauthorized",
    "Unreachable",
    "UnsupportedMediaType",
]

_HOMES: Final = {
    "AsyncPublisher": "fanwire.publish.async_publisher",
    "BadMessage": "fanwire.errors",
    "BodyTooLarge": "fanwire.errors",
    "Busy": "fanwire.errors",
    "DeliveredEvent": "fanwire.wire.delivered_event",
    "Disabled": "fanwire.errors",
    "Draining": "fanwire.errors",
    "Forbidden": "fanwire.errors",
    "Gap": "fanwire.subscribe.session",
    "InvalidBody": "fanwire.errors",
    "InvalidEvent": "fanwire.errors",
    "InvalidId": "fanwire.errors",
    "InvalidPosition": "fanwire.errors",
    "Kicked": "fanwire.errors",
    "NewEvent": "fanwire.publish.new_event",
    "NotFound": "fanwire.errors",
    "NotReplicated": "fanwire.errors",
    "Overloaded": "fanwire.errors",
    "PublishLimits": "fanwire.publish.plan",
    "Publisher": "fanwire.publish.publisher",
    "RateLimited": "fanwire.errors",
    "RealtimeError": "fanwire.errors",
    "RedisRefused": "fanwire.errors",
    "RedisUnauthorized": "fanwire.errors",
    "RequestTimeout": "fanwire.errors",
    "SlowConsumer": "fanwire.errors",
    "StaleVersion": "fanwire.errors",
    "State": "fanwire.subscribe.states",
    "StateChange": "fanwire.subscribe.states",
    "Subscriber": "fanwire.subscribe.subscriber",
    "SubscriberLimits": "fanwire.subscribe.limits",
    "TokenInUrl": "fanwire.errors",
    "TooManyServices": "fanwire.errors",
    "Unauthorized": "fanwire.errors",
    "Unreachable": "fanwire.errors",
    "UnsupportedMediaType": "fanwire.errors",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
