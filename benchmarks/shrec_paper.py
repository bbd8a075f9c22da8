"""What the SHREC'20 paper reports: Gubins et al. (2020) Comput. Graph. 91, 279-289."""

from __future__ import annotations

from dataclasses import dataclass

SPECIES = (
    *("1s3x", "3qm1", "3gl1", "3h84", "2cg9", "3d2f"),
    *("1u6g", "3cf3", "1bxn", "1qvr", "4cr2", "4d8q"),
)
"""By molecular weight (Table 1), the order of Table 4."""

PARTICLES = 2782
"""In the test tomogram, of 512 × 512 × 200 voxels of 10 Å."""

HOURS = 1.4
"""Template matching of all twelve species on one GTX 1080 Ti: section 3.7 (Table 7 has the rows of
GPU and CPU the wrong way round)."""


@dataclass(frozen=True)
class Localised:
    """A row of Table 3 or 8; distance in voxels of 10 Å."""

    reported: int
    found: int
    false_picks: int
    multiple: int
    distance: float
    recall: float
    precision: float
    f1: float


TABLE_3 = {
    "3D MS-D": Localised(2663, 2523, 139, 0, 2.05, 0.906, 0.947, 0.926),
    "DeepFinder": Localised(2594, 2485, 107, 2, 2.166, 0.893, 0.957, 0.924),
    "3D ResNet": Localised(2864, 1983, 611, 246, 3.501, 0.712, 0.692, 0.702),
    "YOPO": Localised(2821, 2543, 240, 37, 2.104, 0.914, 0.901, 0.907),
    "Dn3DUnet": Localised(2598, 2340, 146, 112, 2.807, 0.841, 0.9, 0.869),
    "UMC": Localised(2781, 2642, 68, 68, 1.873, 0.949, 0.95, 0.949),
    "TM-T": Localised(2604, 1898, 20, 412, 1.528, 0.682, 0.728, 0.704),
    "TM-F": Localised(2604, 2267, 331, 6, 1.767, 0.814, 0.87, 0.841),
}
TABLE_8 = {
    "TM-T": Localised(2604, 1261, 140, 475, 1.934, 0.453, 0.484, 0.468),
    "TM-F": Localised(2604, 1787, 813, 4, 2.433, 0.642, 0.686, 0.663),
}
"""The same two on the same data in the paper's comparison with 2019: it contradicts Table 3."""

_ROWS_4 = {
    "3D MS-D": (0.192, 0.408, 0.437, 0.416, 0.368, 0.461, 0.492, 0.719, 0.948, 0.851, 0.942, 0.964),
    "DeepFinder": (0.61, 0.729, 0.8, 0.911, 0.783, 0.848, 0.866, 0.939, 1, 0.984, 0.993, 0.993),
    "3D ResNet": (
        *(0.193, 0.185, 0.405, 0.407, 0.334, 0.445),
        *(0.491, 0.628, 0.906, 0.719, 0.868, 0.817),
    ),
    "YOPO": (0.558, 0.741, 0.67, 0.834, 0.696, 0.682, 0.795, 0.896, 0.987, 0.83, 0.923, 0.993),
    "Dn3DUnet": (
        *(0.529, 0.577, 0.569, 0.674, 0.332, 0.523),
        *(0.462, 0.676, 0.925, 0.684, 0.907, 0.974),
    ),
    "UMC": (0.661, 0.827, 0.839, 0.947, 0.855, 0.873, 0.899, 0.981, 0.997, 0.98, 1, 0.997),
    "TM-T": (0.2, 0.102, 0.248, 0.727, 0.555, 0.869, 0.835, 0.88, 0.934, 0.97, 0.968, 0.945),
    "TM-F": (0.319, 0.219, 0.207, 0.66, 0.589, 0.808, 0.815, 0.945, 0.939, 0.966, 0.968, 0.945),
}
TABLE_4 = {name: dict(zip(SPECIES, row, strict=True)) for name, row in _ROWS_4.items()}
"""F1 of each species."""

_ROWS_9 = {
    "TM-T": (0.128, 0.046, 0.064, 0.34, 0.178, 0.429, 0.28, 0.579, 0.683, 0.583, 0.937, 0.94),
    "TM-F": (0.169, 0.064, 0.053, 0.364, 0.207, 0.492, 0.34, 0.653, 0.696, 0.611, 0.91, 0.945),
}
TABLE_9 = {name: dict(zip(SPECIES, row, strict=True)) for name, row in _ROWS_9.items()}
"""The rows TM-T-2020 and TM-F-2020, in the order of Table 4: they contradict it."""

TABLE_6 = {
    "3D MS-D": (0.364, 0.694, 0.953),
    "DeepFinder": (0.767, 0.927, 0.993),
    "3D ResNet": (0.305, 0.638, 0.843),
    "YOPO": (0.7, 0.838, 0.958),
    "Dn3DUnet": (0.536, 0.654, 0.941),
    "UMC": (0.826, 0.946, 0.999),
    "TM-T": (0.366, 0.898, 0.957),
    "TM-F": (0.399, 0.895, 0.957),
}
"""Mean F1 of small, medium and large species."""
