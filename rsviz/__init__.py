"""rsviz: load a remote-sensing scene, run a deep model on it, and look inside, on a map."""

__version__ = "0.1.0"
