"""Provenance of what the base holds, gathered from the record: bills of materials, lineage."""
