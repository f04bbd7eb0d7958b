"""How a run is trained, besides its optimizer: where it begins, when it ends, when it is evaluated, on what."""
