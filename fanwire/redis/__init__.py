"""How Fanwire reaches Redis: addresses, clients, and what their errors mean."""
