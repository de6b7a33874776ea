"""Pure rules of the trial room: no I/O, no clock, no randomness but a seed passed in."""
