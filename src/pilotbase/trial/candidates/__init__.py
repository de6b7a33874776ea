"""Candidates, one file per kind: estimator, forecast, callable (plug-in or function), command."""
