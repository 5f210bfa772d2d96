"""Styles that change: the parts of a song, what each sounds like, and how much of each is in a frame."""
