"""How open an asset or a scenario is: what can be reused by whom, under which terms."""
