"""Who is calling: tokens, their claims, and the keys that they are checked with."""
