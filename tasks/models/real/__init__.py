"""Released models behind our interfaces: each imports its package when it is built."""
