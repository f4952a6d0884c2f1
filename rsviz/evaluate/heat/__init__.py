"""Temperature of the ground: protocols, scores, and methods to compare with."""
