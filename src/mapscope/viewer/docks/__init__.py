"""The docks: Jobs, Plot, History and Info."""
