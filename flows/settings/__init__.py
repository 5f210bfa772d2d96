"""params.yaml as typed settings, and the folder a run works in."""
