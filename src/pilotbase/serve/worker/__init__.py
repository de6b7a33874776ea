"""Candidates of our own catalogue as upstreams, each in a process of its own.

Nothing heavy is imported here: `keeper` runs beside the gateway, all others in the worker.
"""
