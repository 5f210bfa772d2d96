"""Eight languages of toy lyrics: a small vocabulary, a grammar of lines and espeak voices each."""
