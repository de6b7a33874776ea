"""Descriptions of data sets as Croissant, the metadata format of MLCommons: 1.0 and 1.1."""
