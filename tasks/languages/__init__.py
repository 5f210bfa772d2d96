"""Languages that lyrics are in: which one a song has, its words, and how they are said. One table, a reader a language."""
