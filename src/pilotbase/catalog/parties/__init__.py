"""Parties, delegations and keys: who acts, for whom, with what credential."""
