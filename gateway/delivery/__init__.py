"""From the bell to the sockets: read what rang, check the chain, write."""
