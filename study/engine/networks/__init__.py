"""The networks of a pack: built, stacked where they can be, else computed in turn."""
