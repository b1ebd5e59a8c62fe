"""Connections to Redis that are safe to cancel, scripts, and what a server must be."""
