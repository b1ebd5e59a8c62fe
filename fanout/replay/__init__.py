"""The replay logs: what they tell the next owner, and how much of them is kept."""
