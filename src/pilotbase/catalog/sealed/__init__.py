"""Test sets that the base keeps sealed: cases that no provider has, read by official runs alone."""
