"""How RELION 3.0 to 5 and Warp differ in one and the same kind of STAR file."""

from __future__ import annotations

from dataclasses import dataclass

AXES = ("X", "Y", "Z")
CORNER = tuple(f"rlnCoordinate{axis}" for axis in AXES)
CENTRED = tuple(f"rlnCenteredCoordinate{axis}Angst" for axis in AXES)
ORIGIN = tuple(f"rlnOrigin{axis}" for axis in AXES)
ORIGIN_ANGST = tuple(f"rlnOrigin{axis}Angst" for axis in AXES)
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
SUBTOMOGRAM = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")
SIZES = tuple(f"rlnTomoSize{axis}" for axis in AXES)
TOMO_NAME, MICROGRAPH = "rlnTomoName", "rlnMicrographName"
GROUP, GROUP_NAME = "rlnOpticsGroup", "rlnOpticsGroupName"
TILT_PIXEL, IMAGE_PIXEL, PIXEL = "rlnTomoTiltSeriesPixelSize", "rlnImagePixelSize", "rlnPixelSize"
DETECTOR, MAGNIFICATION = "rlnDetectorPixelSize", "rlnMagnification"
MICROGRAPH_PIXEL = "rlnMicrographPixelSize"
CLASS, SPECIES = "rlnClassNumber", "mapscopeSpecies"
SCORES = ("rlnLCCmax", "rlnAutopickFigureOfMerit")
STACKS = "rlnTomoSubTomosAre2DStacks"
NO_SCORE = -999.0
OPTICS, GENERAL, GLOBAL = "optics.", "general.", "global."
"""What the names of columns begin with that other blocks hold: of groups, files, tomograms."""


@dataclass(frozen=True)
class Style:
    """One program's way.

    Parameters
    ----------
    name, title : str
        Of the format.
    tomogram : str
        Label of the tomogram's name.
    pixel : str
        Label of the voxels' edge that coordinates count in.
    is_centred : bool
        Whether coordinates are Å from the tomogram's centre.
    has_optics : bool
        Whether optics groups stand in a block of their own.
    shifts_in_angstrom : bool
        Whether shifts are in Å, not in pixels.
    """

    name: str
    title: str
    tomogram: str
    pixel: str
    is_centred: bool = False
    has_optics: bool = True
    shifts_in_angstrom: bool = True


RELION_5 = Style("relion5", "RELION 5 STAR", TOMO_NAME, TILT_PIXEL, is_centred=True)
RELION_4 = Style("relion4", "RELION 4 STAR", TOMO_NAME, TILT_PIXEL)
RELION_31 = Style("relion3.1", "RELION 3.1 STAR", MICROGRAPH, PIXEL)
RELION_30 = Style(
    "relion3.0",
    "RELION 3.0 STAR",
    MICROGRAPH,
    DETECTOR,
    has_optics=False,
    shifts_in_angstrom=False,
)
WARP = Style("warp", "Warp and M STAR", TOMO_NAME, IMAGE_PIXEL)
"""What WarpTools exports for RELION 5: places count in the voxels of the exported images."""
STYLES = (RELION_5, RELION_4, RELION_31, RELION_30, WARP)
