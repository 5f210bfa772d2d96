"""World two of toy songs: rhythm with causes, parts, harmony that says its key; every song with its whole truth."""
