"""The commands that make ChimeraX 1.6 and later draw nouns as they looked.

Each is as ChimeraX's User Guide has it: ``open`` [1]_, ``volume`` [2]_, ``color sample`` and
simple colouring [3]_, ``segmentation surfaces`` [4]_, ``cartoon`` [5]_, ``show`` and ``hide``
[6]_, ``style`` [7]_, ``transparency`` [8]_, ``surface style`` [9]_, ``key`` [10]_, ``2dlabels``
[11]_ and ``view`` [12]_.

References
----------
.. [1] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/open.html
.. [2] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/volume.html
.. [3] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/color.html
.. [4] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/segmentation.html
.. [5] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/cartoon.html
.. [6] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/show.html
.. [7] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/style.html
.. [8] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/transparency.html
.. [9] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/surface.html
.. [10] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/key.html
.. [11] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/2dlabels.html
.. [12] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/view.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from colorsys import hsv_to_rgb
from dataclasses import dataclass

import numpy as np

from mapscope.appearance import Appearance, ColorScale
from mapscope.errors import InputError
from mapscope.labels import BACKGROUND, Labels
from mapscope.mesh import Mesh
from mapscope.structure import Structure
from mapscope.volume import Triple, Volume

MOST_LABELS = 200
"""Labels that get a command and their own colour each; of more, ChimeraX chooses the colours."""

FULL_SAMPLING = 512**3
"""Voxels up to which a map is drawn at every grid point, as its layer is."""

_NEVER_IN_TEXT = re.compile(r"[^\w .,:()+=·%/-]")


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """Something that ChimeraX opens from a file beside the script.

    Parameters
    ----------
    number : int
        Its model number, from 1 in the order of opening.
    shown : Appearance
        What it is and how it is drawn.
    file : str
        Name of the file.
    is_sample : bool
        Whether it only colours others.
    """

    number: int
    shown: Appearance
    file: str
    is_sample: bool = False


def plain_text(text: str) -> str:
    """Text of one line that can stand between quotes in a command: it ends neither.

    Examples
    --------
    >>> plain_text('a"; exit')
    'a__ exit'
    """
    clean = _NEVER_IN_TEXT.sub("_", unicodedata.normalize("NFC", text))
    return " ".join(clean.split()) or "data"


def _label(text: str) -> str:
    """Quoted text."""
    return f'"{plain_text(text)}"'


def commands(models: Sequence[OpenedModel]) -> Iterator[str]:
    """The lines of a script: all is opened first, so that numbers hold, then drawn, then hidden.

    Parameters
    ----------
    models : sequence of OpenedModel
        Numbered from 1; those that are samples last.

    Raises
    ------
    InputError
        If an image lacks its colour scale.
    """
    for model in models:
        yield f'open "{model.file}" name {_label(model.shown.name)}'
    for model in models:
        if not model.is_sample:
            yield from _looks(model)
    for model in models:
        if model.shown.sample is not None:
            yield from _sampled(model, models)
    yield from (f"hide #{m.number} models" for m in models if not m.shown.visible)
    yield from _key([m.shown for m in models])
    yield "view"


def _looks(model: OpenedModel) -> Iterator[str]:
    """Commands that draw one model."""
    item, number = model.shown, model.number
    if isinstance(item.noun, Volume):
        yield _volume(item, item.noun, number)
    elif isinstance(item.noun, Labels):
        yield from _segments(item, item.noun, number)
    elif isinstance(item.noun, Mesh) and item.style == "mesh":
        yield f"surface style #{number} mesh"
    elif isinstance(item.noun, Structure):
        yield from _structure(item, number)


def _volume(item: Appearance, volume: Volume, number: int) -> str:
    """One command for a map: its whole region, every grid point, style, levels and colours."""
    words = [f"volume #{number} region all"]
    if volume.data.size <= FULL_SAMPLING:
        words.append("step 1")
    if item.style in ("image", "projection"):
        words += ["style image", *_transfer(item)]
        if item.style == "projection":
            words.append("maximumIntensityProjection true")
        return " ".join(words)
    words.append(f"style {'mesh' if item.style == 'mesh' else 'surface'}")
    words += [f"level {level!r}" for level in item.levels]
    words.append(f"color {_hex(item.color, item.opacity)}")
    # A surface has no vertices to colour until it is drawn, or asked for.
    return " ".join([*words, *(["calculateSurfaces true"] if item.sample is not None else [])])


def _transfer(item: Appearance) -> Iterator[str]:
    """Density, intensity and colour along the scale of an image.

    The intensity, from 0 to 1, dims the colour and its opacity, so that a colour goes there at
    its brightest and dark densities let others through.

    Raises
    ------
    InputError
        If the image has no scale.
    """
    if item.scale is None:
        raise InputError(f"{item.name}: an image needs a colour scale from black to bright")
    values = np.linspace(item.scale.low, item.scale.high, len(item.scale.colors)).tolist()
    for value, color in zip(values, item.scale.colors, strict=True):
        light = max(color)
        hue = tuple(c / light for c in color) if light > 0 else (1.0, 1.0, 1.0)
        yield f"level {value!r},{light * item.opacity:.4g} color {_hex(hue)}"  # type: ignore[arg-type]


def _segments(item: Appearance, labels: Labels, number: int) -> Iterator[str]:
    """A surface around every label in its colour; the map of numbers itself is not drawn."""
    if item.visible:
        yield f"hide #{number} models"
        numbers = labels_in(labels)
        if len(numbers) > MOST_LABELS:
            yield f"# {len(numbers)} labels: ChimeraX chooses their colours"
            yield f"segmentation surfaces #{number} each segment"
            return
        for label in numbers:
            color = item.label_colors.get(label, labels.colors.get(label, spread_color(label)))
            yield f"segmentation surfaces #{number} where {label} color {_hex(color, item.opacity)}"


def labels_in(labels: Labels) -> list[int]:
    """The numbers above 0 that occur, in their order."""
    found = (np.unique(section) for section in labels.data)
    return sorted({int(n) for numbers in found for n in numbers if n > BACKGROUND})


def spread_color(number: int) -> Triple:
    """A colour for a number, far from those of its neighbours."""
    return hsv_to_rgb((number * 0.618034) % 1.0, 0.6, 0.95)


def _structure(item: Appearance, number: int) -> Iterator[str]:
    """Cartoon by chain, atoms by element, or both."""
    has_atoms, has_cartoon = "atoms" in item.style, item.style != "atoms"
    yield f"{'cartoon' if has_cartoon else 'hide'} #{number}{'' if has_cartoon else ' cartoons'}"
    yield f"{'show' if has_atoms else 'hide'} #{number} atoms"
    if has_cartoon:
        yield f"color #{number} bychain target c"
    if has_atoms:
        yield f"style #{number} ball"
        yield f"color #{number} byelement target a"
    if item.opacity < 1:
        yield f"transparency #{number} {_percent(item.opacity)} target ac"


def _sampled(model: OpenedModel, models: Sequence[OpenedModel]) -> Iterator[str]:
    """Colour a surface by another volume."""
    item = model.shown
    if item.scale is None:
        return
    (source,) = [m.number for m in models if m.shown.noun is item.sample][:1]
    palette = ":".join(_hex(color) for color in item.scale.colors)
    words = f"color sample #{model.number} map #{source} palette {palette} "
    words += f"range {float(item.scale.low)!r},{float(item.scale.high)!r}"
    yield f"{words} transparency {_percent(item.opacity)}"


def _key(items: Sequence[Appearance]) -> Iterator[str]:
    """The key of the first scale with a label that is to be seen; ChimeraX has one at a time."""
    for item in items:
        if item.scale is not None and item.scale.label and item.visible:
            yield f"key {_key_colors(item.scale)} pos 0.7,0.08 size 0.25,0.05 fontSize 18"
            yield f"2dlabels text {_label(item.scale.label)} size 18 xpos 0.7 ypos 0.15"
            return


def _key_colors(scale: ColorScale) -> str:
    """Pairs of colour and value, the values at the ends and in the middle."""
    count = len(scale.colors)
    values = np.linspace(scale.low, scale.high, count)
    told = {0, count - 1} | ({count // 2} if count % 2 else set())
    return " ".join(
        f"{_hex(color)}:{f'{values[n]:.4g}' if n in told else ''}"
        for n, color in enumerate(scale.colors)
    )


def _hex(color: Triple, opacity: float = 1.0) -> str:
    """``#rrggbb``, or ``#rrggbbaa`` where it is not opaque."""
    parts = [*color] if opacity >= 1 else [*color, opacity]
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def _percent(opacity: float) -> str:
    """Transparency as ChimeraX counts it, from 0 to 100."""
    return f"{100 * (1 - opacity):.4g}"
