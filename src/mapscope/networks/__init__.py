"""Networks: one file per architecture, built by name from numbers that fit into a card."""
