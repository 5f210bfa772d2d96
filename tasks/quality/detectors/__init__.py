"""Detectors: what spoils a song, each a small formula of its own."""
