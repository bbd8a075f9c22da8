"""The report of a result: one HTML page with its numbers, plots, tables and record.

`page` puts it together from what the result's docstrings say; nothing here knows any job. It is
imported only when a report is written.
"""

from mapscope.files.report.file import SUFFIX, check_report, write_report

__all__ = ["SUFFIX", "check_report", "write_report"]
