"""What a gateway counts, traces and tells of itself."""
