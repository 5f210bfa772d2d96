"""Which stages a flow runs, over which table, and what is read of them afterwards."""
