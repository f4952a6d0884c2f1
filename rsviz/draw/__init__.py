"""Layers as pictures: their colours, their legends, and their place on the map.

Used alike by the pages, by exported files and by the processes that read scenes; needs numpy and
pyproj alone.
"""
