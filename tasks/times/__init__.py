"""Times of words: those that came with lyrics, checked and shifted, and the grids that times are laid on."""
