"""What a slow socket gets less of, what is switched off, and how both are made whole."""
