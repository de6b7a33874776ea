"""catalog: datasets and their loaders; what a table must hold before a trial may start."""
