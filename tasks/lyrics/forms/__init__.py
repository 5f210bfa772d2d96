"""One file a form of lyrics: how it is known by its content, read, and written back."""
