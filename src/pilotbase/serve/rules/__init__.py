"""Pure rules of serving: no I/O, no clock, no chance."""
