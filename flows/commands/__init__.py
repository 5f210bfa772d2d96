"""The ``jam`` command: its applications and the options that commands share."""
