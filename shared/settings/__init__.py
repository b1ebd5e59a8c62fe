"""Settings from the environment: typed, checked together, refused with their remedy."""
