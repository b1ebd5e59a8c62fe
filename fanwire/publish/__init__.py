"""Publishing: check an event, write it, and know that it was written."""
