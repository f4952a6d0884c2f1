"""Torch blocks that at least two models use: scans, probes, devices, training."""
