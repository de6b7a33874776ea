"""What may be called, by whom and where it goes: compiled from the record."""
