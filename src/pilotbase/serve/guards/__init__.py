"""Guards: what is looked at in requests and answers, and what a receipt may then say of it."""
