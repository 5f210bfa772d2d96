"""Preference alignment: pairs, rounds, DPO training, the gate between rounds and sweeps of losses."""
