"""The HTTP and WebSocket surface of a gateway."""
