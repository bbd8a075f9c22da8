"""A set of tomograms of known contents, in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.errors import InputError
from mapscope.job import Key, Show, job
from mapscope.particles import Particles
from mapscope.progress import Progress, part, silent
from mapscope.table import Table


@dataclass(frozen=True)
class SimulatedSet:
    """What is in a set of tomograms.

    Parameters
    ----------
    particles : Particles
        All of them; the column ``tomogram`` says where each is.
    species : Table
        How many there are of each species, its mass in kDa and its radius in Å.
    number : int
        How many particles there are.
    """

    particles: Particles
    species: Table
    number: Annotated[int, Key("particles")]


@job(process=True, memory=1.0)
def simulate_tomograms(
    *,
    species: Annotated[Path, Show(browse="file")],
    folder: Annotated[Path, Show(browse="folder")],
    root: Annotated[Path | None, Show(browse="folder", more=True)] = None,
    assembly: Annotated[Literal["listed", "asymmetric_unit", "first"], Show(more=True)] = "listed",
    tomograms: Annotated[int, Field(ge=1, le=1000)] = 10,
    fewest: Annotated[int, Field(ge=1)] = 600,
    most: Annotated[int, Field(ge=1)] = 700,
    signal_to_noise: Annotated[float, Field(gt=0)] = 0.004,
    structural_noise: Annotated[float, Field(ge=0), Show(more=True)] = 0.27,
    noise_sampling: Annotated[float, Field(gt=0), Show(unit="Å", more=True)] = 1.0,
    planes: Annotated[int, Field(ge=8, le=4096)] = 200,
    rows: Annotated[int, Field(ge=8, le=8192)] = 256,
    columns: Annotated[int, Field(ge=8, le=8192)] = 256,
    voxel_size: Annotated[float, Field(gt=0), Show(unit="Å")] = 10.0,
    images: Annotated[int, Field(ge=2, le=1000), Show(more=True)] = 40,
    vesicles: Annotated[int, Field(ge=0, le=1000), Show(more=True)] = 0,
    gold_beads: Annotated[int, Field(ge=0, le=1000), Show(more=True)] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> SimulatedSet:
    """Set of tomograms of known contents with all that is true of them, as a folder of files.

    Each is made as *Simulate tomogram* makes it, with that job's other settings at their defaults;
    see there for the recipe and for what the signal-to-noise ratio means. A set that was
    stopped goes on where it was when it is asked for again.

    Parameters
    ----------
    species : Path
        A list (.csv) with the columns file, species, assembly and kda, a folder of structures,
        or one structure. A density map needs its mass in the list.
    folder : Path
        Where to: tomogram_0 and so on, templates, and species.csv.
    root : Path, optional
        Folder of the list's files. Auto: the folder of the list.
    assembly : str
        Biological assembly of each structure: the one that the list names, none, or the first
        that the file knows.
    tomograms : int
        How many.
    fewest : int
        Least number of particles in one.
    most : int
        Highest number of particles in one.
    signal_to_noise : float
        Of an image, in pixels of the noise's sampling.
    structural_noise : float
        What each image's own change of the specimen adds to a voxel, as a share of the
        potential of ice.
    noise_sampling : float
        Edge of the pixels in which the signal-to-noise ratio is meant.
    planes : int
        Voxels of a tomogram along the beam, z.
    rows : int
        Voxels along the tilt axis, y.
    columns : int
        Voxels across it, x.
    voxel_size : float
        Of the tomograms.
    images : int
        Tilts from -60 to 60 degrees.
    vesicles : int
        Vesicles in each.
    gold_beads : int
        Gold beads in each.
    device : str
        What computes. Auto takes an accelerator where there is one.
    seed : int
        Equal seeds give equal sets.
    progress : Progress
        Called often.

    Returns
    -------
    SimulatedSet
        All particles, and a table of the species.

    Raises
    ------
    InputError
        If there is no species, particles find no room, or the folder holds another set.

    References
    ----------
    .. [1] Gubins et al. (2020) Comput. Graph. 91, 279-289.
    """
    from mapscope.simulate.device import chosen_device
    from mapscope.simulate.tomogram.exposure import Exposure, Noise
    from mapscope.simulate.tomogram.simulation import Recipe
    from mapscope.simulate.tomogram.species_list import listed_species, read_species
    from mapscope.simulate.tomogram.specimen import Vesicles
    from mapscope.simulate.tomogram.tomogram_set import TomogramSet, write_set

    if fewest > most:
        raise InputError(f"the fewest particles, {fewest}, are more than the most, {most}")
    on = chosen_device(device)
    listed = listed_species(species, root)
    kinds = read_species(
        listed, voxel_size, assembly=assembly, device=on, progress=part(progress, 0, 2, 100)
    )
    recipe = Recipe(
        kinds,
        most,
        Exposure(
            np.linspace(-60, 60, images),
            noise=Noise(structural_noise, signal_to_noise, noise_sampling),
        ),
        (planes, rows, columns),
        vesicles=Vesicles(vesicles, gold_beads),
    )
    settings = {
        "species": [one.name for one in listed],
        "assembly": assembly,
        "particles": [fewest, most],
        "signal_to_noise": signal_to_noise,
        "structural_noise": structural_noise,
        "noise_sampling": noise_sampling,
        "shape": [planes, rows, columns],
        "voxel_size": voxel_size,
        "images": images,
        "vesicles": vesicles,
        "gold_beads": gold_beads,
        "seed": seed,
    }
    wanted = TomogramSet(recipe, tomograms, fewest, most, seed, settings)
    particles = write_set(wanted, folder, device=on, progress=part(progress, 2, 100, 100))
    names = particles.species or ()
    return SimulatedSet(
        particles=particles,
        species=Table(
            {
                "species": np.array([kind.name for kind in kinds]),
                "number": np.array([names.count(kind.name) for kind in kinds]),
                "weight_kda": np.array([kind.kda for kind in kinds]),
                "radius": np.array([kind.radius for kind in kinds]),
            },
            {"radius": "Å", "weight_kda": "kDa"},
        ),
        number=len(particles),
    )
