"""record: the append-only transparency log, its signed checkpoints and proofs, and the vault."""
