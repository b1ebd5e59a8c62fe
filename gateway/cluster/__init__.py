"""This gateway among the others: heartbeats, the canary, rebalancing, drain."""
