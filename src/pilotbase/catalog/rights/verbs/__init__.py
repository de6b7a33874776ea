"""What one can ask of rights and terms."""
