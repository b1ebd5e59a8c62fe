"""What a caller passes before it has a socket: heads, origins, limits, the upgrade."""
