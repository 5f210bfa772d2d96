"""Stages of songs that a model made: generated, or read from files, then measured and scored."""
