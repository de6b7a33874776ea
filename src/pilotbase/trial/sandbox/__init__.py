"""Programs that nobody has to trust: own files only, no network, limits that hold; ADR 8."""
