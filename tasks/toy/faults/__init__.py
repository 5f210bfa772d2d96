"""Faults on purpose: what a song comes with, made wrong in one known way, and the record of it."""
