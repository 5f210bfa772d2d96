"""hama's phone recogniser: its net, and how songs are heard by it."""
