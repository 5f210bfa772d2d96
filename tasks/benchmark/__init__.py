"""Systems under test: their songs, their metrics, listening tests, the report."""
