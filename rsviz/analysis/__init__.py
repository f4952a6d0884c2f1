"""Questions put to results and series, in numpy alone: the same answers for page, report and test.

Nothing here opens a file, runs a model or draws.
"""
