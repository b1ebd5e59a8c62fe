"""RFC 6455 without I/O: bytes in, events out, and frames to send."""
