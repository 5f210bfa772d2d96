"""How a stage runs: the stage law, the song table, the actor pool, distributed fitting."""
