"""Subscribing: one stream of events across many sockets, without a silent gap."""
