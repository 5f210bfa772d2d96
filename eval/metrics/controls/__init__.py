"""How well what was heard follows what was asked: chords, melody, beats and tempo, a formula a file."""
