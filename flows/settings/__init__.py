"""params.yaml as typed settings, the folder a run works in, and whether its models can be used."""
