"""Tiny checkpoints of real models, random but in the form their authors release."""
