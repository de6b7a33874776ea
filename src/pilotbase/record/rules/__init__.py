"""Pure rules of the record: the Merkle tree, signed notes, checkpoints, commitments, proofs."""
