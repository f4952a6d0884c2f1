"""Torch building blocks that at least two models share."""
