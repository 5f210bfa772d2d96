"""What a model is asked for: prompts, word times for plain lyrics, and the folder that answers go to."""
