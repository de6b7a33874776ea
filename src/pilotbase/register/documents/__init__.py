"""Documents: papers made from one evidence; none of them has figures of its own."""
