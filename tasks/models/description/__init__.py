"""Models that say what a song is like: its parts, its tempo and key, a caption."""
