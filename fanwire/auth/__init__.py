"""What a token must be and say, and which of its claims holds what."""
