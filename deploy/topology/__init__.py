"""`make topology`: what docker-compose.yml describes, as processes of this machine."""
