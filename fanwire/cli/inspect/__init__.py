"""What the verbs read of a running system."""
