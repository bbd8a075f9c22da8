"""Reading and writing: one file of this package for each file format.

A format is added with one new module here that names its readers in ``READERS`` and its
writers in ``WRITERS`` (see :class:`Reader` and :class:`Writer`); nothing else changes.
"""

from mapscope.files.findings import FileWarning
from mapscope.files.format import Cover, FolderWriter, Reader, Writer
from mapscope.files.half_maps import HalfMapName, half_map_name, half_map_pairs, partner_of
from mapscope.files.ome_zarr import read_levels
from mapscope.files.reflections import map_columns
from mapscope.files.registry import read, readable_suffixes, writable_suffixes, write

__all__ = [
    "Cover",
    "FileWarning",
    "FolderWriter",
    "HalfMapName",
    "Reader",
    "Writer",
    "half_map_name",
    "half_map_pairs",
    "map_columns",
    "partner_of",
    "read",
    "read_levels",
    "readable_suffixes",
    "writable_suffixes",
    "write",
]
