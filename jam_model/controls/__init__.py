"""Controls a song may be asked to follow frame by frame: chords, melody, drums, a sketch in sound."""
