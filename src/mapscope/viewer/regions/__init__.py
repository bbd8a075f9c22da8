"""Parts of a map chosen in the view: near atoms, in or out of a sphere, within a box."""
