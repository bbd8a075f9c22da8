"""From structures to density: simulated maps, and maps made worse on purpose."""
