"""Executors that need an optional package."""
