"""The ``jam`` command: its options and what each command calls; a file a heading of `jam --help`."""
