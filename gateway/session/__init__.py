"""What a socket is subscribed to, how that changes, and when it ends."""
