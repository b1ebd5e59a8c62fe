"""`fanwire bench`: load on a running stack, measured from publisher to subscriber."""
