"""What a token says, and where in it."""
