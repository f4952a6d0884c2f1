"""The page of surface temperature: what is given, the maps, one pixel, and how good it is."""
