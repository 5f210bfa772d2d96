"""Studies: the same songs generated again while one thing of the request changes, and what that does, with intervals."""
