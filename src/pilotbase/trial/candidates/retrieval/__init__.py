"""Two candidates that answer questions over documents: an agent that cites, and a baseline."""
