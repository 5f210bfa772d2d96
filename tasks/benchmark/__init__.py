"""Systems under test: their songs, their metrics, sensitivity and listening tests, the report."""
