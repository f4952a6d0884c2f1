"""Protocols, splits, scores, baselines, training records and benchmarks.

Imported by jobs and by the command line only; the web process never needs it.
"""
