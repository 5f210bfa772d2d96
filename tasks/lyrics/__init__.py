"""Lyrics: files in every form people have them become the words that are sung, with what was left out and why."""
