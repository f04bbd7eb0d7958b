"""The panels that a comparison's results are drawn in. A class in a module here is known without being registered."""
