"""Protocols that callers speak."""
