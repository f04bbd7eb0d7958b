"""Tables of a comparison: on the page, and as files for people and machines."""
