"""HTML and SVG: the report's sections, and the pages of songs, sweeps and listening tests."""
