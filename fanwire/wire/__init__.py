"""Frames as JSON text, and events as subscribers receive them."""
