"""match: needs ↔ providers. Trial evidence arrives as an argument; it is never computed here."""
