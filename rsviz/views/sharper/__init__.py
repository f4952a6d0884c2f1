"""The page of super-resolution: what goes in, what comes out beside it, and how to judge it."""
