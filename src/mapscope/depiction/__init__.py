"""Pictures of atomic models: tubes, ribbons and sticks as meshes, and colours for them."""
