"""Phonemes on the lyric grid where they are sung."""
