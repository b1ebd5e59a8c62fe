"""One client's socket: what it says, what is written to it, what waits for it."""
