"""Training JAM: pretraining and fine-tuning, with validation by ear."""
