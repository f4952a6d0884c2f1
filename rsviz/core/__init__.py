"""The contract: scenes, layers, model cards and the one door through which a model runs.

Only the standard library and numpy are imported here, so that every other room of the
house (readers, models, jobs, views) can depend on it and nothing heavy comes along.
"""
