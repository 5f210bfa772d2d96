"""What was measured, as records and as JSON: songs, systems, comparisons, rounds, and how numbers are worded."""
