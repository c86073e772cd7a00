"""Stores beyond the local disk: finished stages, reports and data sets behind a URL, through fsspec.

A run always works on a local folder, the scratch: a store of objects has no rename, and a training writes a lot.
`depot.py` keeps what is finished, `reports.py` reads a published report, `data.py` copies a data set here once.
"""
