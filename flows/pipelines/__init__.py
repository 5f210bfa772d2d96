"""What flows are made of: stages in order, the tables they run over, a preference round, finished runs, the benchmark's tail."""
