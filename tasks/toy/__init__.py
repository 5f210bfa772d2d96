"""Toy songs: sung, rendered, and known exactly."""
