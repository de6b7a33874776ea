"""The serving flow, and the server that calls come in at."""
