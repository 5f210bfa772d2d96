"""What the embedded models compute with: a small recogniser, spectra, pitch, song statistics."""
