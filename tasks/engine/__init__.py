"""How a stage runs: the song table, the pipeline, the scheduler and its workers."""
