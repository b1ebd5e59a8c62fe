"""From the events streams to the waiting batches."""
