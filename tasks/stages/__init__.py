"""One stage a file: songs in, the same songs out, with this stage's columns written."""
