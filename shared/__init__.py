"""What the gateway and the fanout worker share: settings, Redis, scripts, signals, logs."""
