"""Reading and writing: one file of this package for each file format.

A format is added with one new module here that names its readers in ``READERS`` and its
writers in ``WRITERS`` (see :class:`Reader` and :class:`Writer`); nothing else changes.
"""

from mapscope.files.address import Address, parse_address
from mapscope.files.choices import choices, choices_of_noun, cover_that_helps
from mapscope.files.cover import text_of_cover
from mapscope.files.findings import FileWarning
from mapscope.files.format import Choice, Cover, FolderWriter, Reader, Writer
from mapscope.files.half_maps import HalfMapName, half_map_name, half_map_pairs, partner_of
from mapscope.files.ome_zarr import read_levels
from mapscope.files.reflections import map_columns
from mapscope.files.registry import read, readable_suffixes, writable_suffixes, write
from mapscope.files.report import write_report

__all__ = [
    "Address",
    "Choice",
    "Cover",
    "FileWarning",
    "FolderWriter",
    "HalfMapName",
    "Reader",
    "Writer",
    "choices",
    "choices_of_noun",
    "cover_that_helps",
    "half_map_name",
    "half_map_pairs",
    "map_columns",
    "parse_address",
    "partner_of",
    "read",
    "read_levels",
    "readable_suffixes",
    "text_of_cover",
    "writable_suffixes",
    "write",
    "write_report",
]
