"""The order: Prefect flows, params and the ``jam`` command. No logic."""
