"""Built-in packs: worked scenarios on real data that ship inside well-known packages.

Each is one scenario file; ``exercises/`` holds one that a new user finishes. What counts as good
enough was fixed from use after a look at these public data, and is never tuned to what a candidate
reaches: a no-go is as good a result as a go.
"""
