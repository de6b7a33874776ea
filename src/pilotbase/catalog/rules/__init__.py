"""What a table must hold, as pure rules: each takes the scenario file and the frame, and yields
faults with their place in the file. And whose keys and delegations hold.

Nothing is imported here: the gateway asks of keys without loading what tables need.
"""
