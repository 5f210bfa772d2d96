"""The heavy outside: one kind of model a file, its embedded default built there, real ones behind a name."""
