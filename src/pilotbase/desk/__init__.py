"""desk: the life cycle of one pilot: only it sequences changing verbs across rooms."""
