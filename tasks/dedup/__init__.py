"""Is it the same song? Shingles of words, landmarks of sound, and groups of near duplicates."""
