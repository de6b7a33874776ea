"""Assets: models, data sets, agents, tools, knowledge and compute, in versions by content hash."""
