"""The input doctor: what a file or a noun is, what is wrong with it, and what mends it.

:func:`inspect` looks at a file and never raises because of what is in it; the other two look at
nouns: :func:`findings_of_noun` at once, :func:`inspect_noun` with Fourier transforms.
"""

from mapscope.inspection.finding import Finding, Inspection, settings_for
from mapscope.inspection.report import findings_of_noun, inspect, inspect_noun
from mapscope.inspection.text import text_of

__all__ = [
    "Finding",
    "Inspection",
    "findings_of_noun",
    "inspect",
    "inspect_noun",
    "settings_for",
    "text_of",
]
