"""The JAM model: tensors in, tensors out. Imports nothing of this project."""
