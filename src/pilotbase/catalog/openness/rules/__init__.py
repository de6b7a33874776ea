"""Pure rules on openness: questions, the score over them, licences, and classes of models."""
