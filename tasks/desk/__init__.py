"""What the desk shows of a work folder: an index of its songs to search, one song with all that stands, its sound."""
