"""Agents: a goal, tools in a simulated environment, and what the environment says of the end."""
