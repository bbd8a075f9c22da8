"""The table of a recipe that says what is learned from: one for each kind of samples."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from mapscope.simulate.form_factors import Radiation


def _growing(ends: tuple[float, float]) -> tuple[float, float]:
    """Both ends of a range, lowest first.

    Raises
    ------
    ValueError
        If they are the other way round.
    """
    if not ends[0] <= ends[1]:
        raise ValueError("the lowest comes first")
    return ends


Range: TypeAlias = Annotated[tuple[float, float], AfterValidator(_growing)]
PositiveRange: TypeAlias = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_growing)]
Normalisation: TypeAlias = Literal["min_max", "standard"]

FINEST = 2.45
"""Voxels that the finest detail of a window spans at least."""


class RecipeTable(BaseModel):
    """A table of a recipe: it cannot be changed, and knows every key that it may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataTable(RecipeTable):
    """What the card of a network says that learned from such data.

    Attributes
    ----------
    input_channels : tuple of str
        The maps that go in.
    conditions : tuple of str
        What the network is told of them, in the order of `Sample.conditions`.
    of_voxels : bool
        Whether it is asked of voxels; of whole maps where not.
    scaled_together : bool
        Whether all its maps are scaled by one shift and factor, those of their mean.
    """

    input_channels: ClassVar[tuple[str, ...]] = ("map",)
    conditions: ClassVar[tuple[str, ...]] = ()
    of_voxels: ClassVar[bool] = True
    scaled_together: ClassVar[bool] = False


class ClassMaps(DataTable):
    """Noise-free maps of single chains at a few resolutions, as Avramov et al. (2019) made them.

    Parameters
    ----------
    kind : str
        class_maps
    classes : tuple of str
        Name of each class.
    resolutions : tuple of float
        Å, of each class.
    size : int
        Voxels along each edge; the chain's middle is the map's.
    voxel_size : float
        Å.
    program : str
        Whose Gaussians: a key of ``simulate.point_spread.POINT_SPREADS``.
    orientations : int
        How many maps of each training chain and class, each turned freely.
    min_residues : int
        Chains of fewer residues are left out.
    """

    of_voxels: ClassVar[bool] = False
    kind: Literal["class_maps"]
    classes: tuple[str, ...] = ("high", "medium", "low")
    resolutions: tuple[float, ...] = (2.5, 7.5, 12.5)
    size: int = Field(default=64, ge=8)
    voxel_size: float = Field(default=1.0, gt=0)
    program: str = "eman"
    orientations: int = Field(default=2, ge=1)
    min_residues: int = Field(default=50, ge=1)
    normalisation: Normalisation = "min_max"


class ImagingRanges(RecipeTable):
    """From what the imperfections of a map are drawn; see ``training.imaging.Imaging``.

    Parameters
    ----------
    b_factor : two floats
        Å², of a blur (above 0) or sharpening (below 0) of the whole map.
    signal_to_noise : two floats
        Ratio of powers in the shell of the resolution, drawn by its logarithm.
    noise_free : float
        Share of samples without noise.
    solvent : two floats
        Share of the atoms' density that the solvent around them has.
    masked : float
        Share of samples with nothing outside a mask around the molecule.
    scale_error : float
        Largest relative error of the voxel size.
    """

    b_factor: Range = (-50.0, 100.0)
    signal_to_noise: PositiveRange = (0.2, 100.0)
    noise_free: float = Field(default=0.1, ge=0, le=1)
    solvent: Range = (0.2, 0.9)
    masked: float = Field(default=0.5, ge=0, le=1)
    scale_error: float = Field(default=0.03, ge=0, lt=0.5)


class ResolutionMaps(DataTable):
    """Maps such as experiments give, at any resolution, labelled with its class.

    Parameters
    ----------
    kind : str
        resolution_maps
    classes : tuple of str
        Name of each class, finest first.
    borders : tuple of float
        Å, lowest, between classes, and highest.
    outside : float
        Share of samples that are no map of molecules: noise, inverted contrast, nothing at all.
        They are a class more, the last.
    size : int
        Voxels along each edge.
    voxel_size : float
        Å.
    imaging : ImagingRanges
        How imperfect they are.
    """

    of_voxels: ClassVar[bool] = False
    kind: Literal["resolution_maps"]
    classes: tuple[str, ...] = ("high", "medium", "low", "outside")
    borders: tuple[float, ...] = (1.8, 5.0, 10.0, 16.0)
    outside: float = Field(default=0.15, ge=0, lt=1)
    size: int = Field(default=48, ge=8)
    voxel_size: float = Field(default=1.5, gt=0)
    radiation: tuple[Radiation, ...] = ("electrons", "x_rays")
    imaging: ImagingRanges = ImagingRanges()
    normalisation: Normalisation = "standard"


class VoxelClasses(DataTable):
    """Windows of density, and what every voxel of them is.

    Parameters
    ----------
    kind : str
        voxel_classes
    target : str
        kind: background, amino acid or nucleotide; residue: background and 24 residue classes.
    size : int
        Voxels along each edge.
    voxel_size, resolution : two floats
        Å, lowest and highest.
    imaging : ImagingRanges, optional
        How imperfect they are; not at all where there is none.
    """

    kind: Literal["voxel_classes"]
    target: Literal["kind", "residue"] = "kind"
    size: int = Field(default=48, ge=8)
    voxel_size: PositiveRange = (1.0, 1.0)
    resolution: PositiveRange = (2.5, 4.0)
    radiation: Radiation = "electrons"
    imaging: ImagingRanges | None = None
    normalisation: Normalisation = "standard"

    @model_validator(mode="after")
    def _voxels_are_fine_enough(self) -> VoxelClasses:
        coarsest, finest = self.voxel_size[1], self.resolution[0]
        if finest < FINEST * coarsest:
            raise ValueError(
                f"voxels of {coarsest:g} Å cannot hold {finest:g} Å, but {FINEST * coarsest:.3g} Å "
                "and coarser"
            )
        return self


class HalfMapPairs(DataTable):
    """Half maps at a standard spectrum, and the density that they are of.

    Parameters
    ----------
    kind : str
        half_map_pairs
    size, border : int
        Voxels along each edge, and those around it that are made and cut away again, because
        what is done in Fourier space goes round at the edges.
    voxel_size : float
        Å.
    resolution : two floats
        Å, finest and coarsest, drawn by its inverse.
    told_error : float
        Largest relative error of the resolution that the network is told.
    b_factor : float
        Å², of the molecule as a whole, at the standard spectrum.
    b_error : float
        Å², largest error of it at 3 Å; it grows with the resolution's square.
    local, uneven : float
        Share of samples that are blurred here more than there, and more in one direction.
    unknown, removed : float
        Share of samples with density that belongs to no residue, and with a chain, residues or
        ligands taken away.
    single : float
        Share of samples that are one map, which goes in twice.
    masked_single, masked_pairs : float
        Share of these, and of the others, that are masked.
    noise_only : float
        Share of samples that are noise; what they are of is 0.
    """

    input_channels: ClassVar[tuple[str, ...]] = ("half_map_1", "half_map_2")
    conditions: ClassVar[tuple[str, ...]] = ("resolution",)
    scaled_together: ClassVar[bool] = True
    kind: Literal["half_map_pairs"]
    size: int = Field(default=48, ge=16)
    border: int = Field(default=8, ge=0)
    voxel_size: float = Field(default=1.0, gt=0)
    resolution: PositiveRange = (2.5, 8.0)
    told_error: float = Field(default=0.1, ge=0, lt=0.5)
    b_factor: float = Field(default=40.0, gt=0)
    b_error: float = Field(default=30.0, ge=0)
    local: float = Field(default=0.6, ge=0, le=1)
    uneven: float = Field(default=0.15, ge=0, le=1)
    unknown: float = Field(default=0.35, ge=0, le=1)
    removed: float = Field(default=0.25, ge=0, le=1)
    single: float = Field(default=0.35, ge=0, le=1)
    masked_single: float = Field(default=0.6, ge=0, le=1)
    masked_pairs: float = Field(default=0.05, ge=0, le=1)
    noise_only: float = Field(default=0.2, ge=0, lt=1)
    normalisation: Literal["standard"] = "standard"


class DegradedCrystals(DataTable):
    """Maps of crystals, and what is left of them after dilation, blur and noise.

    Parameters
    ----------
    kind : str
        degraded_crystals
    size : int
        Voxels along each edge.
    voxel_size : float
        Å.
    resolution : two floats
        Å, finest and coarsest, of the crystals.
    b_factor : two floats
        Å², of the median of a crystal's atoms.
    solvent : two floats
        Share of the atoms' density that the solvent around them has.
    error : two floats
        Standard deviation of a map's own errors over that of its density.
    radius, blur, noise : two floats
        Å, Å and share of the deviation; see `simulate.dilation.Dilation`.
    flips : bool
        Whether windows are mirrored too, which makes molecules of the other hand.
    """

    kind: Literal["degraded_crystals"]
    size: int = Field(default=128, ge=16)
    voxel_size: float = Field(default=1.0, gt=0)
    resolution: PositiveRange = (1.4, 2.2)
    b_factor: PositiveRange = (6.0, 20.0)
    solvent: Range = (0.6, 0.95)
    error: Range = (0.0, 0.25)
    radius: Range = (1.0, 2.0)
    blur: Range = (0.6, 1.4)
    noise: Range = (0.05, 0.3)
    flips: bool = False
    normalisation: Normalisation = "min_max"


Data: TypeAlias = Annotated[
    ClassMaps | ResolutionMaps | VoxelClasses | HalfMapPairs | DegradedCrystals,
    Field(discriminator="kind"),
]
