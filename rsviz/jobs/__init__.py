"""Work outside the page: readers that open files, workers that run models, the store of results.

The web process imports `readers` and `executor` from here and thereby no torch, no rasterio,
no h5py and no scipy.io: files are parsed and models run in processes of their own, which are
restarted when they die.
"""
