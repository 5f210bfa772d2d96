"""Sound: files decoded under limits, mixes, levels and loudness."""
