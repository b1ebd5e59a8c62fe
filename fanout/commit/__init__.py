"""Which batch leaves next, and its way into Redis."""
