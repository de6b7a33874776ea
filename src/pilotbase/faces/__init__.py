"""faces: command line and Python; each projects the verbs, none decides anything."""
