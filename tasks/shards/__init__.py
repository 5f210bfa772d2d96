"""Data sets as WebDataset shards: written, opened, described, exported, and read from elsewhere."""
