"""scenario: the scenario file: its schema, the taxonomy of the 17 items, built-in packs."""
