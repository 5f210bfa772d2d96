"""How the weights and constants of the embedded models were made."""
