"""Starting and stopping: the gateway's processes, and the workers beside them.

``parent`` binds the address, keeps gateway processes and candidates' workers alive and imports
nothing heavy; ``child`` is one gateway process; ``up`` is everything on one machine at once.
"""
