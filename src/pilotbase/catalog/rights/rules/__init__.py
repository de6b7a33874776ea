"""Pure rules on rights: how a registration moves, and what a policy allows to whom."""
