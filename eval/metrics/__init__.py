"""One metric a file: its formula, its unit, its direction and its protocol."""
