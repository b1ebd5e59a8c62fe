"""The server that holds the sockets: handshake, delivery, live changes of subscription."""
