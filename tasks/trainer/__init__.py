"""Training of any objective: the loop, its workers under Ray Train, its log and its run folder."""
