"""Logs of other evaluation tools as tables: what they report, and where it comes from."""
