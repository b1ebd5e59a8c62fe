"""What an entry of an events stream must be like, and what is said of one that is not."""
