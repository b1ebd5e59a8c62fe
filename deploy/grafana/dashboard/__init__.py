"""The Grafana dashboard as Python, from which `make docs` makes deploy/grafana/fanwire.json."""
