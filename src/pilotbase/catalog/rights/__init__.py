"""Rights over data sets: their registration, and terms of use (ODRL 2.2) that are evaluated."""
