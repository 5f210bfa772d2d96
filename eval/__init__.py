"""The numbers: strings and arrays in, typed results out. Imports nothing of this project."""
