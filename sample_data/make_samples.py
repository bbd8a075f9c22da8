"""Make the sample files: a four-helix bundle from ideal geometry, its half maps and a mask.

Once more with half maps whose resolution differs from place to place, and that resolution.

Everything follows from the numbers in this file and one seed; nothing is downloaded or copied
from a database. Run ``python sample_data/make_samples.py [FOLDER]`` to write the files again.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from typing import NamedTuple

import gemmi
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mapscope import files
from mapscope.simulate.degradation import Degradation
from mapscope.simulate.degrade import degrade
from mapscope.simulate.degraded_maps import DegradedMaps
from mapscope.volume import MapHeader, Volume

Array = npt.NDArray[np.float64]

SEED = 20
NAME = "four_helix_bundle"
HELICES = ("LEELAKRVEALFSQIYKL", "MKDLIREAQKFAEVLSRT", "VSQILTKLEEMIRNLHEF", "FDKVARSIQELLAKLEQW")
PHI, PSI, OMEGA = -63.0, -43.0, 180.0
HELIX_DISTANCE = 10.8  # Å between neighbouring axes on a square
SWEEPS = 3  # how often every side chain is turned to where it has most room
HELIX_TILT = 9.0  # degrees, left-handed, as in coiled coils
LOWEST_B, HIGHEST_B = 70.0, 140.0  # Å², at the middle and at the ends of each helix

SIZE = 60
VOXEL_SIZE = 1.2
NSTART = (30, -20, 10)  # x, y, z: a frame in which every axis is shifted by another amount
FINEST = 2.5  # Å, where the simulated density ends
RESOLUTION = 3.3  # Å, where the half maps agree to an FSC of 0.143
NOISE_B = 15.0  # Å², how fast the noise falls off
STEP = 2.0**-11  # densities are rounded to this, well below the noise, so that they pack well
MASK_RADIUS, MASK_EDGE = 4.0, 6.0  # Å

UNEVEN = f"{NAME}_uneven"
FINEST_PLACE, COARSEST_PLACE = 3.0, 6.0  # Å, local resolutions of the uneven half maps
PATCH = 24.0  # Å, over which their resolution changes
RESOLUTION_STEP = 2.0**-7  # Å, to which the planted resolution is rounded


class Placed(NamedTuple):
    """An atom defined by three others: ``first``–``second``–``third``–atom."""

    name: str
    first: str
    second: str
    third: str
    bond: float
    angle: float
    dihedral: float | str  # a number, or which chi plus an offset, as in "chi2+180"


_CG = Placed("CG", "N", "CA", "CB", 1.522, 113.8, "chi1")
_CD = Placed("CD", "CA", "CB", "CG", 1.522, 112.6, "chi2")
_PHENYL = (
    _CG,
    Placed("CD1", "CA", "CB", "CG", 1.386, 120.7, "chi2"),
    Placed("CD2", "CA", "CB", "CG", 1.386, 120.7, "chi2+180"),
    Placed("CE1", "CB", "CG", "CD1", 1.386, 120.7, 180),
    Placed("CE2", "CB", "CG", "CD2", 1.386, 120.7, 180),
    Placed("CZ", "CG", "CD1", "CE1", 1.386, 119.8, 0),
)
SIDE_CHAINS: dict[str, tuple[Placed, ...]] = {
    "ALA": (),
    "SER": (Placed("OG", "N", "CA", "CB", 1.417, 110.8, "chi1"),),
    "THR": (
        Placed("OG1", "N", "CA", "CB", 1.433, 109.6, "chi1"),
        Placed("CG2", "N", "CA", "CB", 1.521, 110.5, "chi1-120"),
    ),
    "VAL": (
        Placed("CG1", "N", "CA", "CB", 1.521, 110.5, "chi1"),
        Placed("CG2", "N", "CA", "CB", 1.521, 110.5, "chi1+122.5"),
    ),
    "ILE": (
        Placed("CG1", "N", "CA", "CB", 1.530, 110.4, "chi1"),
        Placed("CG2", "N", "CA", "CB", 1.521, 110.5, "chi1-122.5"),
        Placed("CD1", "CA", "CB", "CG1", 1.513, 113.8, "chi2"),
    ),
    "LEU": (
        Placed("CG", "N", "CA", "CB", 1.530, 116.3, "chi1"),
        Placed("CD1", "CA", "CB", "CG", 1.521, 110.7, "chi2"),
        Placed("CD2", "CA", "CB", "CG", 1.521, 110.7, "chi2+122.5"),
    ),
    "MET": (
        _CG,
        Placed("SD", "CA", "CB", "CG", 1.803, 112.7, "chi2"),
        Placed("CE", "CB", "CG", "SD", 1.791, 100.9, "chi3"),
    ),
    "ASP": (
        Placed("CG", "N", "CA", "CB", 1.516, 112.6, "chi1"),
        Placed("OD1", "CA", "CB", "CG", 1.249, 118.4, "chi2"),
        Placed("OD2", "CA", "CB", "CG", 1.249, 118.4, "chi2+180"),
    ),
    "ASN": (
        Placed("CG", "N", "CA", "CB", 1.516, 112.6, "chi1"),
        Placed("OD1", "CA", "CB", "CG", 1.231, 120.8, "chi2"),
        Placed("ND2", "CA", "CB", "CG", 1.328, 116.4, "chi2+180"),
    ),
    "GLU": (
        _CG,
        _CD,
        Placed("OE1", "CB", "CG", "CD", 1.249, 118.4, "chi3"),
        Placed("OE2", "CB", "CG", "CD", 1.249, 118.4, "chi3+180"),
    ),
    "GLN": (
        _CG,
        _CD,
        Placed("OE1", "CB", "CG", "CD", 1.231, 120.8, "chi3"),
        Placed("NE2", "CB", "CG", "CD", 1.328, 116.4, "chi3+180"),
    ),
    "LYS": (
        _CG,
        _CD,
        Placed("CE", "CB", "CG", "CD", 1.520, 111.3, "chi3"),
        Placed("NZ", "CG", "CD", "CE", 1.489, 111.9, 180),
    ),
    "ARG": (
        _CG,
        _CD,
        Placed("NE", "CB", "CG", "CD", 1.461, 112.0, "chi3"),
        Placed("CZ", "CG", "CD", "NE", 1.329, 124.2, 180),
        Placed("NH1", "CD", "NE", "CZ", 1.326, 120.0, 0),
        Placed("NH2", "CD", "NE", "CZ", 1.326, 119.9, 180),
    ),
    "PHE": _PHENYL,
    "TYR": (*_PHENYL, Placed("OH", "CD1", "CE1", "CZ", 1.376, 119.9, 180)),
    "HIS": (
        Placed("CG", "N", "CA", "CB", 1.497, 113.8, "chi1"),
        Placed("ND1", "CA", "CB", "CG", 1.378, 122.7, "chi2"),
        Placed("CD2", "CA", "CB", "CG", 1.354, 131.2, "chi2+180"),
        Placed("CE1", "CB", "CG", "ND1", 1.321, 109.0, 180),
        Placed("NE2", "CB", "CG", "CD2", 1.374, 107.2, 180),
    ),
    "TRP": (
        Placed("CG", "N", "CA", "CB", 1.498, 113.6, "chi1"),
        Placed("CD1", "CA", "CB", "CG", 1.365, 126.9, "chi2"),
        Placed("CD2", "CA", "CB", "CG", 1.433, 126.8, "chi2+180"),
        Placed("NE1", "CB", "CG", "CD1", 1.374, 110.2, 180),
        Placed("CE2", "CB", "CG", "CD2", 1.409, 107.2, 180),
        Placed("CE3", "CB", "CG", "CD2", 1.398, 133.9, 0),
        Placed("CZ2", "CG", "CD2", "CE2", 1.394, 122.4, 180),
        Placed("CZ3", "CG", "CD2", "CE3", 1.382, 118.6, 180),
        Placed("CH2", "CD2", "CE2", "CZ2", 1.368, 117.5, 0),
    ),
}
"""Bond lengths and angles after Engh and Huber (1991)."""

_ROTAMERS = {
    "chi1": (-67.0, -178.0, -57.0, -77.0, -168.0, 172.0),
    "chi2": (178.0, -65.0, 65.0),
    "chi3": (175.0, 65.0, -65.0),
}
_RING = (90.0, 70.0, 110.0)
_FLAT_CHI2 = {"PHE": _RING, "TYR": _RING, "HIS": (-80.0, 80.0), "TRP": (95.0, -100.0)}
_FLAT_CHI3 = {"GLU": (0.0, 60.0, -60.0), "GLN": (0.0, 60.0, -60.0)}


def main(folder: Path) -> None:
    """Write structure, density, half maps and mask into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    structure = four_helix_bundle()
    truth = density_of(structure)
    halves = noisy_halves(truth)
    write_structure(structure, folder / f"{NAME}.cif")
    write_map(truth, folder / f"{NAME}.mrc.gz")
    write_map(halves[0], folder / f"{NAME}_half_1.mrc.gz")
    write_map(halves[1], folder / f"{NAME}_half_2.mrc.gz")
    mask = soft_mask(structure)
    write_map(mask, folder / f"{NAME}_mask.mrc.gz")
    uneven = uneven_maps(truth, mask)
    halves = (uneven.half_maps.first.data, uneven.half_maps.second.data)
    write_map(halves[0], folder / f"{UNEVEN}_half_1.mrc.gz")
    write_map(halves[1], folder / f"{UNEVEN}_half_2.mrc.gz")
    resolution = uneven.local_resolution.data
    write_map(resolution, folder / f"{UNEVEN}_local_resolution.mrc.gz", RESOLUTION_STEP)


def fourth_atom(
    a: Array, b: Array, c: Array, *, bond: float, angle: float, dihedral: float
) -> Array:
    """Position of d in the chain a–b–c–d from its internal coordinates (Å, degrees)."""
    bend, turn = np.radians(180.0 - angle), np.radians(dihedral)
    along = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, along)
    normal /= np.linalg.norm(normal)
    across = np.cross(normal, along)
    local = np.array([np.cos(bend), np.sin(bend) * np.cos(turn), np.sin(bend) * np.sin(turn)])
    return np.asarray(c + bond * (local[0] * along + local[1] * across + local[2] * normal))


def helix_backbone(length: int) -> list[dict[str, Array]]:
    """N, CA, C, O and CB of an ideal α-helix, one dictionary for each residue."""
    n, ca = np.zeros(3), np.array([1.458, 0.0, 0.0])
    c = ca + 1.525 * np.array([-np.cos(np.radians(111.0)), np.sin(np.radians(111.0)), 0.0])
    residues = []
    for _ in range(length):
        o = fourth_atom(n, ca, c, bond=1.231, angle=120.1, dihedral=PSI + 180.0)
        cb = fourth_atom(n, c, ca, bond=1.530, angle=110.1, dihedral=122.7)
        residues.append({"N": n, "CA": ca, "C": c, "O": o, "CB": cb})
        next_n = fourth_atom(n, ca, c, bond=1.329, angle=117.2, dihedral=PSI)
        next_ca = fourth_atom(ca, c, next_n, bond=1.458, angle=121.7, dihedral=OMEGA)
        next_c = fourth_atom(c, next_n, next_ca, bond=1.525, angle=111.0, dihedral=PHI)
        n, ca, c = next_n, next_ca, next_c
    return residues


def stood_up(residues: list[dict[str, Array]]) -> list[dict[str, Array]]:
    """The helix with its axis along z, its middle at 0, its hydrophobic side towards +x."""
    trace = np.array([r["CA"] for r in residues])
    middle = trace.mean(axis=0)
    # In an ideal helix the second differences of the trace point to the axis, so that the
    # cross products of neighbouring ones point along it.
    inward = np.diff(trace, n=2, axis=0)
    axis = np.cross(inward[:-1], inward[1:]).mean(axis=0)
    axis /= np.linalg.norm(axis)
    core = trace[[i for i in range(len(trace)) if i % 7 in (0, 3)]].mean(axis=0) - middle
    side = core - axis * (core @ axis)
    side /= np.linalg.norm(side)
    turn = np.array([side, np.cross(axis, side), axis])
    return [{name: turn @ (p - middle) for name, p in r.items()} for r in residues]


def bundle_backbones() -> list[list[dict[str, Array]]]:
    """Four helices around the z axis, neighbours antiparallel, their hydrophobic sides inside."""
    upright = stood_up(helix_backbone(len(HELICES[0])))
    flip = np.diag([1.0, -1.0, -1.0])  # half a turn about x: the hydrophobic side stays at +x
    tilt = rotation("x", -HELIX_TILT)
    out = np.array([-HELIX_DISTANCE / np.sqrt(2.0), 0.0, 0.0])
    bundle = []
    for i in range(len(HELICES)):
        start = flip if i % 2 else np.eye(3)
        around = rotation("z", 90.0 * i + 45.0)
        place = around @ tilt @ start
        shift = around @ out
        bundle.append([{a: place @ p + shift for a, p in r.items()} for r in upright])
    return bundle


def rotation(axis: str, degrees: float) -> Array:
    """Right-handed rotation matrix (x, y, z) about the x or the z axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    if axis == "x":
        return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def with_side_chain(
    backbone: dict[str, Array], kind: str, chi: dict[str, float]
) -> dict[str, Array]:
    """The residue's atoms, its side chain turned by the angles in `chi`."""
    atoms = dict(backbone)
    for part in SIDE_CHAINS[kind]:
        turn = part.dihedral
        if isinstance(turn, str):
            turn = chi[turn[:4]] + float(turn[4:] or 0.0)
        around = (atoms[part.first], atoms[part.second], atoms[part.third])
        atoms[part.name] = fourth_atom(*around, bond=part.bond, angle=part.angle, dihedral=turn)
    return atoms


def rotamers(kind: str) -> list[dict[str, float]]:
    """Every combination of the side chain's usual torsion angles, in degrees."""
    own = {"chi2": _FLAT_CHI2.get(kind), "chi3": _FLAT_CHI3.get(kind)}
    used = sorted({p.dihedral[:4] for p in SIDE_CHAINS[kind] if isinstance(p.dihedral, str)})
    choices = [own.get(name) or _ROTAMERS[name] for name in used]
    return [dict(zip(used, angles, strict=True)) for angles in product(*choices)]


def roomiest_residue(backbone: dict[str, Array], kind: str, others: Array) -> dict[str, Array]:
    """The residue in the rotamer that keeps furthest from the atoms in `others`."""
    tree = cKDTree(others)

    def room(atoms: dict[str, Array]) -> float:
        side = [p for name, p in atoms.items() if name not in backbone]
        return float(tree.query(np.array(side))[0].min()) if side else 0.0

    return max((with_side_chain(backbone, kind, chi) for chi in rotamers(kind)), key=room)


def four_helix_bundle() -> gemmi.Structure:
    """The structure: four chains of 18 residues in the frame of the map."""
    bundle = bundle_backbones()
    kinds = [
        gemmi.expand_one_letter_sequence(sequence, gemmi.ResidueKind.AA) for sequence in HELICES
    ]
    done = [[dict(r) for r in helix] for helix in bundle]
    core_first = sorted(range(len(HELICES[0])), key=lambda i: i % 7 not in (0, 3))
    for _, i, h in product(range(SWEEPS), core_first, range(len(bundle))):
        others = [r for j, r in enumerate(done[h]) if j != i]
        others += [r for k, helix in enumerate(done) if k != h for r in helix]
        around = np.array([p for r in others for p in r.values()])
        done[h][i] = roomiest_residue(bundle[h][i], kinds[h][i], around)
    return as_gemmi(done, kinds)


def as_gemmi(helices: list[list[dict[str, Array]]], kinds: list[list[str]]) -> gemmi.Structure:
    """Structure, as gemmi keeps it, of the atoms, moved to the middle of the map."""
    structure = gemmi.Structure()
    structure.name = NAME
    model = gemmi.Model(1)
    centre = VOXEL_SIZE * (np.array(NSTART) + SIZE / 2)
    for letter, helix, names in zip("ABCD", helices, kinds, strict=True):
        chain = gemmi.Chain(letter)
        for number, (atoms, name) in enumerate(zip(helix, names, strict=True), start=1):
            b_factor = b_factor_at(number, len(helix))
            chain.add_residue(residue_of(atoms, name, number, b_factor, centre))
        model.add_chain(chain)
    structure.add_model(model)
    structure.spacegroup_hm = "P 1"
    structure.setup_entities()
    for entity, names in zip(structure.entities, kinds, strict=True):
        entity.full_sequence = names
    structure.assign_label_seq_id()
    structure.assign_serial_numbers()
    return structure


def b_factor_at(number: int, length: int) -> float:
    """B-factor in Å² of a residue: lowest in the middle of its helix."""
    from_middle = abs(2.0 * (number - 1) / (length - 1) - 1.0)
    return round(LOWEST_B + (HIGHEST_B - LOWEST_B) * from_middle**2, 2)


def residue_of(
    atoms: dict[str, Array], name: str, number: int, b_factor: float, centre: Array
) -> gemmi.Residue:
    """Residue, as gemmi keeps it; side chains are 15 Å² more mobile than the backbone."""
    residue = gemmi.Residue()
    residue.name = name
    residue.seqid = gemmi.SeqId(str(number))
    residue.entity_type = gemmi.EntityType.Polymer
    for atom_name, position in atoms.items():
        atom = gemmi.Atom()
        atom.name = atom_name
        atom.element = gemmi.Element(atom_name[0])
        atom.pos = gemmi.Position(*np.round(position + centre, 3))
        atom.b_iso = b_factor + (0.0 if atom_name in ("N", "CA", "C", "O", "CB") else 15.0)
        atom.occ = 1.0
        residue.add_atom(atom)
    return residue


def density_of(structure: gemmi.Structure) -> Array:
    """Electron-scattering density (z, y, x) of the structure up to the finest resolution."""
    model = structure[0].clone()
    model.transform_pos_and_adp(
        gemmi.Transform(gemmi.Mat33(), gemmi.Vec3(*(-VOXEL_SIZE * n for n in NSTART)))
    )
    edge = SIZE * VOXEL_SIZE
    calculator = gemmi.DensityCalculatorE()
    calculator.d_min = FINEST
    calculator.grid.unit_cell = gemmi.UnitCell(edge, edge, edge, 90, 90, 90)
    calculator.grid.spacegroup = gemmi.SpaceGroup("P 1")
    calculator.set_refmac_compatible_blur(model)
    calculator.grid.set_size(2 * SIZE, 2 * SIZE, 2 * SIZE)
    calculator.add_model_density_to_grid(model)
    factors = gemmi.transform_map_to_f_phi(calculator.grid, half_l=True)
    sharp = factors.prepare_asu_data(dmin=FINEST, unblur=calculator.blur)
    grid = sharp.transform_f_phi_to_map(exact_size=(SIZE, SIZE, SIZE))
    return np.asarray(grid.array, dtype=np.float64).transpose(2, 1, 0)


def squared_frequencies() -> Array:
    """Squared spatial frequency in 1/Å² of every term of the half-complex transform."""
    full, half = np.fft.fftfreq(SIZE, VOXEL_SIZE), np.fft.rfftfreq(SIZE, VOXEL_SIZE)
    z, y, x = np.meshgrid(full, full, half, indexing="ij")
    return np.asarray(z**2 + y**2 + x**2)


def noisy_halves(truth: Array) -> tuple[Array, Array]:
    """Two half maps: the density and independent noise that falls off with frequency.

    The noise is scaled in the shell of the wanted resolution, where an FSC of 0.143 = 1/7
    means six times as much noise power as signal power: ``FSC = S / (S + N)``.
    """
    squared = squared_frequencies()
    falloff = np.exp(-NOISE_B * squared / 4.0)
    shell = np.abs(np.sqrt(squared) - 1.0 / RESOLUTION) < 1.0 / (SIZE * VOXEL_SIZE)
    signal = float((np.abs(np.fft.rfftn(truth)[shell]) ** 2).mean())
    random = np.random.default_rng(SEED)
    halves = []
    for _ in range(2):
        noise = np.fft.rfftn(random.standard_normal(truth.shape)) * falloff
        scale = np.sqrt(6.0 * signal / float((np.abs(noise[shell]) ** 2).mean()))
        halves.append(truth + scale * np.fft.irfftn(noise, s=truth.shape, axes=(0, 1, 2)))
    return halves[0], halves[1]


def soft_mask(structure: gemmi.Structure) -> Array:
    """1 near the atoms, 0 away from them, a raised cosine between."""
    atoms = [site.atom.pos.tolist() for site in structure[0].all()]
    start = np.array(NSTART)[:, None, None, None]
    x, y, z = VOXEL_SIZE * (np.indices((SIZE, SIZE, SIZE)) + start)
    voxels = np.stack([x, y, z], axis=-1).transpose(2, 1, 0, 3)
    beyond = cKDTree(np.array(atoms)).query(voxels)[0] - MASK_RADIUS
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip(beyond / MASK_EDGE, 0.0, 1.0)))


def uneven_maps(truth: Array, mask: Array) -> DegradedMaps:
    """Half maps whose resolution inside the mask runs from fine to coarse, and that resolution."""
    how = Degradation(
        resolution=FINEST_PLACE, coarsest=COARSEST_PLACE, feature_size=PATCH, seed=SEED
    )
    density, window = (Volume(data, (VOXEL_SIZE,) * 3) for data in (truth, mask))
    return degrade(density, how, mask=window)


def write_structure(structure: gemmi.Structure, path: Path) -> None:
    """Write mmCIF."""
    structure.make_mmcif_document().write_file(str(path))


def write_map(data: Array, path: Path, step: float = STEP) -> None:
    """Write a map in mode 2, its values rounded to multiples of `step`."""
    rounded = (np.rint(np.asarray(data, dtype=np.float64) / step) * step).astype(np.float32)
    edge = SIZE * VOXEL_SIZE
    header = MapHeader(
        nstart=NSTART,
        sampling=(SIZE, SIZE, SIZE),
        cell=(edge, edge, edge, 90.0, 90.0, 90.0),
        labels=(b"Mapscope sample: made from ideal geometry, not measured",),
    )
    x, y, z = (VOXEL_SIZE * n for n in NSTART)
    files.write(path, Volume(rounded, (VOXEL_SIZE,) * 3, (z, y, x), header))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
