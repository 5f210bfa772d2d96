"""Prefect and the terminal: stages as tasks, progress, notices and the server."""
