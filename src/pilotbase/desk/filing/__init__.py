"""Filing a service: the one step that takes verdict, catalog and register together."""
