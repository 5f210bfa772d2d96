"""Given words laid by Whisper: where they are likely to lie, windows of 30 s, and its attention within a window."""
