"""Fanwire: publish events to Redis, see them in every browser.

`Publisher` and `AsyncPublisher` write events, `Subscriber` reads them over a gateway's
WebSocket. The servers (`gateway`, `fanout`) build on this package; it never imports them.
"""
