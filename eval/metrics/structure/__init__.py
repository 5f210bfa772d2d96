"""How well the parts of a song were found, and its key: boundaries, frames that belong together, labels, a formula a file."""
