"""The words and formats that publishers, workers, gateways and tools agree on: data types alone."""
