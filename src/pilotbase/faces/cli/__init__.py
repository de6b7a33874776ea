"""The command line: a projection of the verbs."""
