"""What happens in the demo's story, one scene for each service."""
