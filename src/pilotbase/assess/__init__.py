"""assess: evidence becomes a verdict."""
