"""Every finding there is: how grave it is, what it is called, what to do, what mends it."""

from __future__ import annotations

from typing import NamedTuple

from mapscope.inspection.finding import AUTOMATIC, Finding, Severity


class Entry(NamedTuple):
    """What all findings of one code share."""

    severity: Severity
    title: str
    advice: str
    mend: str | None = None


_SIZE = "voxel_size="
_COPY = "Copy or download the file again."
_WRITES = "Mend it, or save it from Mapscope, which writes this anew."

CATALOGUE: dict[str, Entry] = {
    # What readers refuse, or repair only when asked to.
    "unreadable": Entry("error", "File cannot be read", "Ask for another copy of the file."),
    "repaired": Entry("error", "File is damaged", _WRITES, AUTOMATIC),
    "no_map": Entry("error", "Not a map", "Check what the file is and rename it."),
    "no_particles": Entry("error", "Not a list of particles", "Check what the file is."),
    "part_of_image": Entry(
        "error", "Part of an image", "Open it in 3dmod with the whole image and save it again."
    ),
    "voxel_size_unsaid": Entry(
        "error",
        "Voxel size not said",
        "Read it with voxel_size= or tomogram= behind its name, as in 'picks.tbl?voxel_size=10'.",
    ),
    "not_density": Entry("error", "Not density", "Ask for the map in real space, mode 2."),
    "image_stack": Entry(
        "error", "Stack of images", "Open the reconstruction instead, or correct the header."
    ),
    "volume_stack": Entry("error", "Stack of volumes", "Open one volume of it."),
    "header_damaged": Entry("error", "Header is damaged", _COPY),
    "truncated": Entry("error", "File is cut off", _COPY),
    "bytes_beyond": Entry("error", "More bytes than the header says", _WRITES, AUTOMATIC),
    "not_finite": Entry(
        "error", "Numbers that are not finite", "Mend it: they become 0.", AUTOMATIC
    ),
    "voxel_size_missing": Entry(
        "error", "Voxel size missing", "Say the voxel size of the reconstruction.", _SIZE
    ),
    "cell_impossible": Entry("error", "Impossible cell angles", _WRITES, AUTOMATIC),
    "start_impossible": Entry("error", "Impossible start indices", _WRITES, AUTOMATIC),
    "space_group_impossible": Entry("error", "Impossible space group", _WRITES, AUTOMATIC),
    # The header.
    "voxel_size_one": Entry(
        "warning",
        "Voxel size is 1.0 Å",
        "Compare the size of the molecule with what it should be; if it is wrong, say the voxel "
        "size of the reconstruction.",
        _SIZE,
    ),
    "voxel_size_odd": Entry(
        "warning", "Unusual voxel size", "Check its unit, and say it in Å.", _SIZE
    ),
    "voxels_anisotropic": Entry(
        "warning",
        "Voxels are not cubic",
        "If the reconstruction had cubic voxels, say their size.",
        _SIZE,
    ),
    "cell_mismatch": Entry(
        "warning",
        "Cell does not fit the voxels",
        "Compare the size of the molecule with what it should be, and say the voxel size.",
        _SIZE,
    ),
    "cell_skewed": Entry(
        "warning",
        "Cell is skewed",
        "If this is no crystal, set the cell angles to 90° in the program that wrote it.",
    ),
    "space_group_odd": Entry(
        "warning", "Unusual space group", "If this is no crystal, mend it: P 1.", AUTOMATIC
    ),
    "axes_damaged": Entry("warning", "Axis order is missing", _WRITES, AUTOMATIC),
    "origin_not_finite": Entry("warning", "Origin is not a number", _WRITES, AUTOMATIC),
    "origin_conflict": Entry(
        "warning",
        "Two different origins",
        "Open the model beside it. If it fits, mend it and both will say the same; if it does "
        "not, mend it with the place set to nstart.",
        AUTOMATIC,
    ),
    "origin_off_grid": Entry(
        "warning",
        "Origin lies between grid points",
        "If the model fits, leave it. Else mend it: the origin goes to the nearest grid point.",
        "place=grid",
    ),
    "statistics_wrong": Entry("warning", "Header statistics are wrong", _WRITES, AUTOMATIC),
    "bytes_unsigned": Entry(
        "warning",
        "Bytes without a sign",
        "Mend it: bytes are read as 0 to 255.",
        "unsigned_bytes=true",
    ),
    "byte_order": Entry("note", "Byte order not stated", _WRITES, AUTOMATIC),
    # The numbers.
    "constant": Entry("error", "Map is constant", "Ask for the map that was meant."),
    "contrast_inverted": Entry(
        "warning", "Contrast is inverted", "Mend it: the sign is changed.", "invert_contrast=true"
    ),
    "dark_is_dense": Entry(
        "note",
        "Dark is dense",
        "Usual for tomograms. Invert it for programs that want bright particles.",
        "invert_contrast=true",
    ),
    "clipped": Entry("warning", "Values are clipped", "Ask for the map in mode 2 (float32)."),
    "coarse": Entry(
        "note", "Only 256 steps of density", "Fine to look at; measure in the map in mode 2."
    ),
    "hard_mask": Entry(
        "note",
        "Masked with a hard edge",
        "Fine to look at. For FSC, sharpening or local resolution take the map before masking.",
    ),
    "soft_mask": Entry(
        "note",
        "Masked",
        "Fine to look at. For FSC, sharpening or local resolution take the map before masking.",
    ),
    "density_cut": Entry(
        "warning",
        "Density is cut at the edge of the box",
        "Ask for the whole map, or pad it before filtering.",
    ),
    "sharpened": Entry(
        "note", "Already sharpened", "Do not sharpen it again; half maps should not be."
    ),
    "filtered": Entry("note", "Already low-pass filtered", "Finer detail cannot be had from it."),
    # Two half maps.
    "halves_apart": Entry(
        "error", "Half maps on different grids", "Bring one onto the other with *fit grid*."
    ),
    "halves_identical": Entry(
        "error", "Half maps are identical", "One file was taken twice: ask for the other half."
    ),
    "halves_unlike": Entry(
        "warning", "Half maps do not match", "Check that both are of one refinement."
    ),
    "halves_opposed": Entry(
        "warning", "Half maps have opposite contrast", "Invert the contrast of one."
    ),
}


def sentence(text: str) -> str:
    """Words with a capital letter first and a full stop; units and names stay as they are.

    Examples
    --------
    >>> sentence("voxels of 2 Å")
    'Voxels of 2 Å.'
    """
    return f"{text[:1].upper()}{text[1:]}."


def finding(
    code: str, meaning: str, *, severity: Severity | None = None, mend: str | None = None
) -> Finding:
    """The finding of a code, with what was found; `severity` and `mend` replace the usual ones."""
    entry = CATALOGUE[code]
    return Finding(
        code,
        severity or entry.severity,
        entry.title,
        meaning,
        entry.advice,
        entry.mend if mend is None else mend,
    )
