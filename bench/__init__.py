"""Figures of Fanwire next to a plain write loop, measured in the same run."""
