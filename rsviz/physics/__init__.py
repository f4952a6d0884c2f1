"""Linear operators of imaging: resampling and degradation. Numpy and scipy only."""
