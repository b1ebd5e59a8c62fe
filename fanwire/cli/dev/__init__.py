"""`fanwire dev`: the whole stack on one machine, for development.

It starts the servers as processes of a checkout; the wheel has this package, but not them.
"""
