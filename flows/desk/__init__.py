"""The desk of `jam desk`: a local web page to look, listen and mend, and the server that guards it."""
