"""How well what was heard follows what was asked: chords, melody, chroma, beats and tempo, a formula a file."""
