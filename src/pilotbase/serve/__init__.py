"""The gateway: it serves what was filed, for someone who is named."""
