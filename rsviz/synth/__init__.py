"""Deterministic simulators of scenes: spectra, landscapes, sensors.

A scene is simulated in four steps, each in a file of its own: what the ground is made of
(`spectra`, `canopy`, `materials`), where it lies (`landscape`, `texture`, and one file for
each kind of place: `farmland`, `village`), how it is lit (`light`) and how an imaging
spectrometer sees it (`sensor`). `render` joins them. The same seed gives the same scene.
"""
