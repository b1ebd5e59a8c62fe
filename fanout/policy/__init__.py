"""What a worker decides. Nothing here reads a clock, draws chance or touches Redis."""
