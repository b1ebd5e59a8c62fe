"""The verbs of `fanwire`, one file each."""
