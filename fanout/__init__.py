"""The fanout worker: from the events that publishers XADD to finished batches."""
