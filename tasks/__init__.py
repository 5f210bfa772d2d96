"""The work: one stage a file, named by its verb; songs in, songs out."""
