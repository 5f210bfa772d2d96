"""Which songs there are: folders, manifests, tar shards, hashes and lyrics."""
