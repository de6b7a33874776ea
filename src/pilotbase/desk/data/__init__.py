"""Data that are made of other data, with provenance: synthesis and labelling."""
