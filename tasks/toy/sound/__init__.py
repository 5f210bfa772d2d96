"""What both worlds of toy songs are rendered with: espeak processes, and tones and strikes."""
