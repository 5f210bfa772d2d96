"""Looking after a work folder: verify, repair, prune, takedown, status and rates."""
