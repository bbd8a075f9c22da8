"""A tomogram of known contents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.errors import InputError
from mapscope.job import Key, Show, job
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.progress import Progress, part, silent
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Volume

if TYPE_CHECKING:
    from mapscope.simulate.tomogram.detector import Detector
    from mapscope.simulate.tomogram.species import Species

_UM = 1e4


@dataclass(frozen=True)
class SimulatedTomogram:
    """A tomogram and all that is true of it.

    Parameters
    ----------
    tomogram : Volume
        Back-projected from the noisy images, dense positive.
    particles : Particles
        Where particles are, which way round and which; columns ``radius`` (Å) and ``weight_kda``.
    classes : Labels
        Species of each dense voxel, then membrane and gold.
    occupancy : Labels
        Which particle each voxel belongs to: its row in the list, from 1; a cavity in its
        middle does as well. Vesicles and beads have the numbers after the last.
    noise_free : Volume
        Back-projected from images without noise.
    specimen : Volume
        Potential in V above ice of what was imaged.
    tilts : Table
        Of each image: tilt, defocus (Å), dose before its middle, variance of what is shown and
        of noise.
    number : int
        How many particles there are.
    signal_to_noise : float
        Variance of the noise-free images over that of the noise that was added to them, in pixels
        as wide as the tomogram's voxels.
    """

    tomogram: Volume
    particles: Particles
    classes: Labels
    occupancy: Labels
    noise_free: Volume
    specimen: Volume
    tilts: Table
    number: Annotated[int, Key("particles")]
    signal_to_noise: Annotated[float, Key("signal to noise in a voxel")]


@job(menu="napari/layers/data", memory=1.0)
def simulate_tomogram(
    structure: Structure | None = None,
    *,
    species: Annotated[Path | None, Show(browse="file")] = None,
    root: Annotated[Path | None, Show(browse="folder", more=True)] = None,
    assembly: Annotated[Literal["listed", "asymmetric_unit", "first"], Show(more=True)] = "listed",
    number: Annotated[int, Field(ge=1)] = 650,
    signal_to_noise: Annotated[float, Field(ge=0, le=1e6)] = 0.004,
    planes: Annotated[int, Field(ge=8, le=4096)] = 200,
    rows: Annotated[int, Field(ge=8, le=8192)] = 256,
    columns: Annotated[int, Field(ge=8, le=8192)] = 256,
    voxel_size: Annotated[float, Field(gt=0), Show(unit="Å")] = 10.0,
    thickness: Annotated[float | None, Field(gt=0), Show(unit="Å", more=True)] = None,
    images: Annotated[int, Field(ge=2, le=1000), Show(more=True)] = 40,
    lowest_tilt: Annotated[float, Field(ge=-89, le=89), Show(unit="°", more=True)] = -60.0,
    highest_tilt: Annotated[float, Field(ge=-89, le=89), Show(unit="°", more=True)] = 60.0,
    defocus_um: Annotated[float, Field(ge=-20, le=20), Show(unit="µm", more=True)] = 3.0,
    defocus_spread_um: Annotated[float, Field(ge=0, le=5), Show(unit="µm", more=True)] = 0.0,
    voltage_kv: Annotated[float, Field(gt=0), Show(unit="kV", more=True)] = 300.0,
    cs_mm: Annotated[float, Field(ge=0), Show(unit="mm", more=True)] = 2.7,
    amplitude_contrast: Annotated[float, Field(ge=0, le=1), Show(more=True)] = 0.08,
    ctf_decay: Annotated[float, Field(ge=0), Show(unit="1/Å", more=True)] = 0.4,
    method: Annotated[Literal["multislice", "projection"], Show(more=True)] = "multislice",
    slab: Annotated[float, Field(gt=0), Show(unit="Å", more=True)] = 50.0,
    ice_noise: Annotated[float, Field(ge=0), Show(more=True)] = 0.07,
    structural_noise: Annotated[float, Field(ge=0), Show(more=True)] = 0.27,
    noise_sampling: Annotated[float, Field(gt=0), Show(unit="Å", more=True)] = 1.0,
    noise_through_ctf: Annotated[float, Field(ge=0, le=1), Show(more=True)] = 0.5,
    dose_e_per_a2: Annotated[float, Field(ge=0), Show(unit="e/Å²", more=True)] = 0.0,
    mtf: Annotated[Path | None, Show(more=True)] = None,
    dqe: Annotated[Path | None, Show(more=True)] = None,
    detector_pixel: Annotated[float, Field(gt=0), Show(unit="Å", more=True)] = 2.5,
    vesicles: Annotated[int, Field(ge=0, le=1000), Show(more=True)] = 0,
    gold_beads: Annotated[int, Field(ge=0, le=1000), Show(more=True)] = 0,
    gold_diameter: Annotated[float, Field(gt=0), Show(unit="Å", more=True)] = 100.0,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> SimulatedTomogram:
    """Tomogram whose contents are known, as the SHREC'20 benchmark was made.

    Particles lie at random in ice, any way round, none in another. A tilt series of it is
    computed with the microscope's CTF at each slab's defocus, noise of specimen and images is
    added, and the series is back-projected. To try a method where the truth is known, and to
    train on.

    The signal-to-noise ratio is the variance of the noise-free images over that of the noise
    that is added to them, where the specimen is seen. It is meant in pixels of 1 Å; the same
    noise is 100 times weaker in pixels of 10 Å.

    Parameters
    ----------
    structure : Structure, optional
        One species, beside those of the files.
    species : Path, optional
        A structure, or a list (.csv) of them with the columns file, species, assembly and kda;
        a density map needs its mass there. A folder means all its structures.
    root : Path, optional
        Folder of the list's files. Auto: the folder of the list.
    assembly : str
        Biological assembly of each structure: the one that the list names, none, or the first
        that the file knows.
    number : int
        How many particles, in equal shares of all species.
    signal_to_noise : float
        Of an image, in pixels of the noise's sampling. 0: electrons are counted as the dose
        has them.
    planes : int
        Voxels of the tomogram along the beam, z.
    rows : int
        Voxels along the tilt axis, y.
    columns : int
        Voxels across it, x.
    voxel_size : float
        Of the tomogram and of the images.
    thickness : float, optional
        Of the ice, in the middle of the tomogram. Auto: all of it.
    images : int
        How many, at even tilts.
    lowest_tilt : float
        Of the first image.
    highest_tilt : float
        Of the last image.
    defocus_um : float
        At the tilt axis, positive for underfocus.
    defocus_spread_um : float
        Standard deviation of its change from image to image.
    voltage_kv : float
        Of the electrons.
    cs_mm : float
        Spherical aberration.
    amplitude_contrast : float
        Share of the contrast that needs no defocus.
    ctf_decay : float
        Standard deviation of the CTF's envelope, a Gaussian. 0: no envelope.
    method : str
        A wave through slab after slab, or the projected potential times one CTF.
    slab : float
        Thickness of a slab.
    ice_noise : float
        Random variation of the ice, as a share of its potential; the same in all images.
    structural_noise : float
        What each image's own change of the specimen adds to a voxel, as a share of the
        potential of ice.
    noise_sampling : float
        Edge of the pixels in which the signal-to-noise ratio is meant.
    noise_through_ctf : float
        Share of the images' noise that the CTF shapes; the rest is white.
    dose_e_per_a2 : float
        Of the whole series. It blurs what comes late, in a dose-symmetric order.
    mtf : Path, optional
        Modulation transfer function of the detector: a text file of two columns, share of its
        Nyquist frequency and value. Auto: 1.
    dqe : Path, optional
        Its detective quantum efficiency, in such a file. Auto: 1.
    detector_pixel : float
        What a physical pixel of the detector covers, which sets its Nyquist frequency.
    vesicles : int
        How many, 500 to 1200 Å across.
    gold_beads : int
        How many.
    gold_diameter : float
        Of a bead.
    device : str
        What computes. Auto takes an accelerator where there is one.
    seed : int
        Equal seeds give equal tomograms.
    progress : Progress
        Called once per particle and several times per tilt.

    Returns
    -------
    SimulatedTomogram
        The tomogram, the truth, and the tilts.

    Raises
    ------
    InputError
        If there is no species, particles find no room, a map has no mass, tilts do not rise, or
        there is neither a signal-to-noise ratio nor a dose.

    References
    ----------
    .. [1] Gubins et al. (2020) Comput. Graph. 91, 279-289.
    .. [2] Vulović et al. (2013) J. Struct. Biol. 183, 19-32.
    """
    from mapscope.simulate.device import chosen_device
    from mapscope.simulate.tomogram.exposure import Exposure, Noise
    from mapscope.simulate.tomogram.projection import Microscope
    from mapscope.simulate.tomogram.simulation import Recipe, simulate
    from mapscope.simulate.tomogram.specimen import Vesicles

    if not lowest_tilt < highest_tilt:
        raise InputError(f"tilts must rise, got {lowest_tilt:g} to {highest_tilt:g} degrees")
    on = chosen_device(device)
    kinds = _kinds(structure, species, root, assembly, voxel_size, on, part(progress, 0, 10, 100))
    exposure = Exposure(
        np.linspace(lowest_tilt, highest_tilt, images),
        defocus_um * _UM,
        defocus_spread_um * _UM,
        Microscope(voltage_kv, cs_mm, amplitude_contrast, ctf_decay or None, slab, method),
        Noise(
            structural_noise,
            signal_to_noise or None,
            noise_sampling,
            noise_through_ctf,
            dose_e_per_a2,
        ),
        _detector(mtf, dqe, detector_pixel),
    )
    recipe = Recipe(
        kinds,
        number,
        exposure,
        (planes, rows, columns),
        thickness,
        ice_noise,
        Vesicles(vesicles, gold_beads, bead_diameter=gold_diameter),
    )
    made = simulate(recipe, seed=seed, device=on, progress=part(progress, 10, 100, 100))
    return SimulatedTomogram(
        tomogram=made.tomogram,
        particles=made.particles,
        classes=made.classes,
        occupancy=made.occupancy,
        noise_free=made.noise_free,
        specimen=made.specimen,
        tilts=made.series.table(),
        number=len(made.particles),
        signal_to_noise=float(made.series.signal.mean() / made.series.noise.mean()),
    )


def _kinds(
    structure: Structure | None,
    species: Path | None,
    root: Path | None,
    assembly: Literal["listed", "asymmetric_unit", "first"],
    voxel_size: float,
    device: str,
    progress: Progress,
) -> list[Species]:
    """All species that were given.

    Raises
    ------
    InputError
        If there is none.
    """
    from mapscope.simulate.tomogram.species import species_of_structure
    from mapscope.simulate.tomogram.species_list import assembly_of, listed_species, read_species

    if structure is None and species is None:
        raise InputError(
            "nothing to put into the tomogram: give a structure, or a file, a folder or a list "
            "of species"
        )
    kinds = []
    if structure is not None:
        name = structure.name or "particle"
        chosen = assembly_of(structure, "", assembly)
        kinds.append(
            species_of_structure(structure, name, voxel_size, assembly=chosen, device=device)
        )
    if species is not None:
        listed = listed_species(species, root)
        kinds += read_species(
            listed, voxel_size, assembly=assembly, device=device, progress=progress
        )
    return kinds


def _detector(mtf: Path | None, dqe: Path | None, pixel_size: float) -> Detector:
    """The detector of two files."""
    from mapscope.simulate.tomogram.detector import Curve, Detector

    curves = [None if path is None else Curve.read(path) for path in (mtf, dqe)]
    return Detector(curves[0], curves[1], pixel_size)
