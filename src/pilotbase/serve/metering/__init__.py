"""Metering: the usage journal, budgets and limits, and what can be asked of them."""
