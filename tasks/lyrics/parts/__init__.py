"""What forms of lyrics share: what they read into, what is not sung, and what XML, JSON, MIDI and scores are parsed with."""
