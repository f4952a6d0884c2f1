"""Files in, files out: one reader per format, the list of scenes, and export.

Every reader is a function that opens one kind of file and gives a Source. Libraries for file
formats are imported inside the reader that needs them, so that listing scenes costs nothing.
"""
