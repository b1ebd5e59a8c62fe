"""One topic as its worker holds it: what waits, what is known, how much is kept."""
