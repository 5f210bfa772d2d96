"""Stages that say what a song is made of and like: sections, facts, captions; each only where it is asked for."""
