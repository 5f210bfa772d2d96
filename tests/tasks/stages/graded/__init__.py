"""Tests of the stages that grade songs."""
