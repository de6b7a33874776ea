"""Pure rules of matching: no I/O, no clock, no chance but a published seed."""
