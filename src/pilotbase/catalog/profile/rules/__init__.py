"""Rules of the profile: what is guessed, what counts as a near-duplicate, how quality is scored."""
