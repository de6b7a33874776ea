"""What the operator sees of a running gateway: metrics, live calls, logs, traces.

Nothing here decides anything, and nothing here counts for money: bills come from the journal.
"""
