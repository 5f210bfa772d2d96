"""Stages that grade songs, only where they are asked for: judges, detectors, tiers."""
