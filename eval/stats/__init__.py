"""Intervals and tests over songs."""
