"""The heavy outside: one kind of model a file, each with a protocol and an embedded default."""
