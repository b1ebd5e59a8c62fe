"""The gateway's decisions: pure, told everything, returning what changed."""
