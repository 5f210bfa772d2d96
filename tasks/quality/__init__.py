"""Which songs are worth training on: measures, their limits, and how limits are chosen."""
