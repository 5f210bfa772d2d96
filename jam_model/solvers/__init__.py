"""Solvers of ordinary differential equations that choose their own steps."""
