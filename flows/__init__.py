"""The order: Prefect flows, one a file; what they are made of lies in the folders beside them."""
