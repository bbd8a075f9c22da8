"""Density on a regular grid, and where that grid lies in space."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from mapscope.errors import GridError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Array: TypeAlias = npt.NDArray[Any]
Triple: TypeAlias = tuple[float, float, float]
Shape: TypeAlias = tuple[int, int, int]


class LazyArray(np.lib.mixins.NDArrayOperatorsMixin):
    """A read-only array whose numbers stay in their file until they are asked for.

    Indexing gives an ordinary array of that part only, and nothing of it is kept. Whatever
    needs all numbers (arithmetic, `numpy` functions, methods such as ``std``) reads the whole
    once; from then on it is an array in memory, for as long as the volume lives. So code
    written for arrays works, and code that shall work on volumes larger than memory goes
    through it section by section or region by region, as with a memory map.

    Parameters
    ----------
    shape : tuple of int
        Its size.
    dtype : numpy.dtype
        Type of its numbers.
    load : callable
        Takes a tuple of slices, one for each axis, and gives that part.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: npt.DTypeLike, load: Callable[[Any], Array]
    ) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.ndim = len(shape)
        self.size = int(np.prod(shape, dtype=object))
        self.nbytes = self.size * self.dtype.itemsize
        self._load = load
        self._whole: Array | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[n] for n in range(len(self)))

    def __getitem__(self, index: Any) -> Array:
        parts = index if isinstance(index, tuple) else (index,)
        is_simple = all(isinstance(p, (int, np.integer, slice)) for p in parts)
        if self._whole is not None or not is_simple or len(parts) > self.ndim:
            chosen: Array = np.asarray(self)[index]
            return chosen
        boxes: list[slice] = []
        rest: list[slice | int] = []
        for part, count in zip(parts, self.shape, strict=False):
            if isinstance(part, slice):
                steps = range(*part.indices(count))
                low, high = (min(steps), max(steps) + 1) if steps else (0, 0)
                boxes.append(slice(low, high))
                rest.append(slice(None, None, part.step) if steps else slice(0, 0))
            else:
                place = range(count)[part]
                boxes.append(slice(place, place + 1))
                rest.append(0)
        boxes += [slice(0, n) for n in self.shape[len(parts) :]]
        found: Array = self._load(tuple(boxes))[tuple(rest)]
        return found

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if self._whole is None:
            self._whole = read_only(self._load(tuple(slice(0, n) for n in self.shape)))
        whole = self._whole if dtype is None else self._whole.astype(dtype, copy=False)
        return whole.copy() if copy else whole

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [np.asarray(x) if isinstance(x, LazyArray) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(np.asarray(self), name)


def read_only(array: npt.ArrayLike) -> Array:
    """View of `array` that cannot be written to; memory maps and lazy arrays stay what they are."""
    if isinstance(array, LazyArray):
        return cast("Array", array)
    view: Array = np.asanyarray(array).view()
    view.flags.writeable = False
    return view


def _triple(value: float | Sequence[float], name: str) -> Triple:
    """Three finite floats from one number or three."""
    numbers = np.broadcast_to(np.asarray(value, dtype=np.float64), (3,))
    if not np.isfinite(numbers).all():
        raise GridError(f"{name} must be three finite numbers (z, y, x), got {value!r}")
    return (float(numbers[0]), float(numbers[1]), float(numbers[2]))


@dataclass(frozen=True)
class Region:
    """A box of voxels: from `lower` (included) to `upper` (excluded), z, y, x.

    Parameters
    ----------
    lower, upper : tuple of int
        First voxel inside and first voxel beyond, in z, y, x.

    Raises
    ------
    GridError
        If the box is empty.
    """

    lower: Shape
    upper: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower", tuple(int(i) for i in self.lower))
        object.__setattr__(self, "upper", tuple(int(i) for i in self.upper))
        if len(self.lower) != 3 or len(self.upper) != 3:
            raise GridError(f"a region needs three numbers each for lower and upper, got {self}")
        if any(b <= a for a, b in zip(self.lower, self.upper, strict=True)):
            raise GridError(f"the region {self} is empty: each end must lie beyond its start")

    @classmethod
    def parse(cls, text: str) -> Region:
        """Region from text such as ``"10:74,0:64,8:72"`` (z, y, x).

        Raises
        ------
        GridError
            If the text has another form or the box is empty.
        """
        try:
            pairs = [tuple(int(n) for n in part.split(":")) for part in text.split(",")]
            (a, b), (c, d), (e, f) = pairs
        except ValueError:
            raise GridError(
                f"a region reads z0:z1,y0:y1,x0:x1 in voxels (as in 10:74,0:64,8:72), got {text!r}"
            ) from None
        return cls((a, c, e), (b, d, f))

    def __str__(self) -> str:
        return ",".join(f"{a}:{b}" for a, b in zip(self.lower, self.upper, strict=True))

    @property
    def shape(self) -> Shape:
        """Size in voxels, z, y, x."""
        z, y, x = (b - a for a, b in zip(self.lower, self.upper, strict=True))
        return (z, y, x)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Slices that cut the region out of an array."""
        z, y, x = (slice(a, b) for a, b in zip(self.lower, self.upper, strict=True))
        return (z, y, x)

    def clipped(self, shape: Shape) -> Region:
        """The part of the region that lies inside an array of `shape`.

        Raises
        ------
        GridError
            If nothing of it does.
        """
        lower = tuple(min(max(a, 0), n) for a, n in zip(self.lower, shape, strict=True))
        upper = tuple(min(max(b, 0), n) for b, n in zip(self.upper, shape, strict=True))
        if any(b <= a for a, b in zip(lower, upper, strict=True)):
            raise GridError(f"the region {self} lies outside a map of {shape} voxels (z, y, x)")
        return Region(lower, upper)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Grid:
    """A regular grid in space: the one place where voxel indices become positions.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along z, y, x.
    voxel_size : float or tuple of float
        Spacing in Å along z, y, x.
    origin : float or tuple of float
        Position in Å (z, y, x) of the centre of voxel (0, 0, 0).

    Raises
    ------
    GridError
        If a size or spacing is not positive, or a number is not finite.
    """

    shape: Shape
    voxel_size: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "voxel_size", _triple(self.voxel_size, "voxel_size"))
        object.__setattr__(self, "origin", _triple(self.origin, "origin"))
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GridError(f"a grid has three sizes of at least 1 (z, y, x), got {self.shape}")
        if min(self.voxel_size) <= 0:
            raise GridError(f"voxel_size must be positive in Å, got {self.voxel_size}")

    @property
    def extent(self) -> Triple:
        """Edge lengths in Å, z, y, x: number of voxels times voxel size."""
        z, y, x = (n * s for n, s in zip(self.shape, self.voxel_size, strict=True))
        return (z, y, x)

    def text(self) -> str:
        """Size and place with the digits that a map file keeps, for checksums.

        Edges are rounded to float32 and the origin to 0.001 Å, so that a grid written to a
        file and read back gives the same text.
        """
        edges = [float(np.float32(e)) for e in self.extent]
        return f"{self.shape} {edges} {[round(o, 3) + 0.0 for o in self.origin]}"

    def world_from_index(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Positions in Å (z, y, x) of voxel indices, shape (..., 3); fractions are allowed.

        Examples
        --------
        >>> Grid((4, 4, 4), 2.0, (10, 0, 0)).world_from_index([1, 0, 0.5])
        array([12.,  0.,  1.])
        """
        scaled = np.asarray(index, dtype=np.float64) * np.asarray(self.voxel_size)
        return np.asarray(scaled + np.asarray(self.origin))

    def index_from_world(self, position: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional voxel indices (z, y, x) of positions in Å, shape (..., 3)."""
        offset = np.asarray(position, dtype=np.float64) - np.asarray(self.origin)
        return np.asarray(offset / np.asarray(self.voxel_size))

    def contains(self, position: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether positions in Å, shape (..., 3), lie between the outermost voxel centres."""
        index = self.index_from_world(position)
        inside = (index >= 0) & (index <= np.asarray(self.shape) - 1)
        return np.asarray(inside.all(axis=-1))

    def matches(self, other: Grid, tolerance: float = 1e-3) -> bool:
        """Whether both grids put every voxel in the same place, to `tolerance` voxels."""
        if self.shape != other.shape:
            return False
        corners = np.array([np.zeros(3), np.asarray(self.shape) - 1.0])
        shift = self.world_from_index(corners) - other.world_from_index(corners)
        return bool((np.abs(shift) <= tolerance * np.asarray(self.voxel_size)).all())

    def cropped(self, region: Region) -> Grid:
        """Grid of the voxels in `region`, which may reach beyond this grid (padding)."""
        origin = self.world_from_index(region.lower)
        return Grid(region.shape, self.voxel_size, tuple(origin))


@dataclass(frozen=True)
class MapHeader:
    """What a map file must get back: the fields of its header that say nothing about density.

    Parameters
    ----------
    nstart : tuple of int
        Index of the first column, row and section, in the file's own axis order.
    sampling : tuple of int
        MX, MY, MZ: grid intervals along the cell edges, x, y, z.
    cell : tuple of float
        Cell edges in Å and angles in degrees: a, b, c, alpha, beta, gamma.
    axis_order : tuple of int
        MAPC, MAPR, MAPS: which of x = 1, y = 2, z = 3 runs along columns, rows, sections.
    origin_words : tuple of float
        ORIGIN as stored, x, y, z.
    mode : int
        MRC data mode of the file.
    space_group : int
        ISPG.
    labels : tuple of bytes
        Text labels of at most 80 bytes each.
    extended_type : bytes
        EXTTYP, four bytes.
    extended : bytes
        The extended header (symmetry operators, or a microscope's own record).
    """

    nstart: tuple[int, int, int] = (0, 0, 0)
    sampling: tuple[int, int, int] = (1, 1, 1)
    cell: tuple[float, float, float, float, float, float] = (1.0, 1.0, 1.0, 90.0, 90.0, 90.0)
    axis_order: tuple[int, int, int] = (1, 2, 3)
    origin_words: Triple = (0.0, 0.0, 0.0)
    mode: int = 2
    space_group: int = 1
    labels: tuple[bytes, ...] = ()
    extended_type: bytes = b"\0\0\0\0"
    extended: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, eq=False)
class Volume:
    """Density on a regular grid.

    Parameters
    ----------
    data : array (z, y, x)
        Real numbers, read-only; may be a memory map or a `LazyArray`. Density is positive unless
        `contrast` says otherwise.
    voxel_size : float or tuple of float
        Spacing in Å along z, y, x.
    origin : tuple of float
        Position in Å (z, y, x) of the centre of voxel (0, 0, 0), in the frame of the
        atomic model.
    header : MapHeader, optional
        What the file that it came from must get back. Operations that keep the grid pass
        it on, others drop it.
    contrast : {1, -1}
        -1 where dark is dense, as in many tomograms.

    Raises
    ------
    GridError
        If the data are not a three-dimensional array of real numbers.
    """

    data: Array
    voxel_size: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)
    header: MapHeader | None = None
    contrast: int = 1

    def __post_init__(self) -> None:
        data = read_only(self.data)
        if data.ndim != 3 or data.dtype.kind not in "fiub":
            raise GridError(
                f"a volume needs a three-dimensional array of real numbers (z, y, x), "
                f"got shape {data.shape} of {data.dtype}"
            )
        grid = Grid(data.shape, self.voxel_size, self.origin)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "voxel_size", grid.voxel_size)
        object.__setattr__(self, "origin", grid.origin)
        if self.contrast not in (1, -1):
            raise GridError(f"contrast is 1 (bright is dense) or -1, got {self.contrast!r}")

    @property
    def shape(self) -> Shape:
        """Number of voxels along z, y, x."""
        z, y, x = self.data.shape
        return (z, y, x)

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        return Grid(self.shape, self.voxel_size, self.origin)

    def float32(self) -> npt.NDArray[np.float32]:
        """The data as native, contiguous float32 (z, y, x); no copy where they are already."""
        return np.ascontiguousarray(self.data, dtype=np.float32)

    def with_data(self, data: npt.ArrayLike) -> Volume:
        """A volume in the same place, with the same header, holding other data.

        Raises
        ------
        GridError
            If the shape differs.
        """
        array = np.asanyarray(data)
        if array.shape != self.shape:
            raise GridError(f"data of shape {array.shape} do not fit a grid of {self.shape}")
        return replace(self, data=array)

    def checksum(self) -> str:
        """Hash of data, voxel size, origin and contrast, as written into records."""
        return checksum_of_arrays("volume", f"{self.grid.text()} {self.contrast}", self.data)


@dataclass(frozen=True, eq=False)
class HalfMaps:
    """Two independently refined maps of the same object, on one grid.

    Parameters
    ----------
    first, second : Volume
        The half maps.

    Raises
    ------
    GridError
        If they do not share one grid.
    """

    first: Volume
    second: Volume

    def __post_init__(self) -> None:
        require_same_grid(self.first, self.second, "the first half map", "the second half map")

    @property
    def grid(self) -> Grid:
        """The grid of both."""
        return self.first.grid

    def checksum(self) -> str:
        """Hash of both half maps in their order."""
        return self.checksum_from(self.first.checksum(), self.second.checksum())

    @staticmethod
    def checksum_from(first: str, second: str) -> str:
        """The same, from the checksums of both."""
        return checksum_of_arrays("half maps", first + second)


def require_same_grid(
    first: Volume, second: Volume, first_name: str = "the map", second_name: str = "the other map"
) -> None:
    """Raise unless both volumes lie on one grid.

    Raises
    ------
    GridError
        Saying what differs, and to use the job *Fit grid*.
    """
    a, b = first.grid, second.grid
    if a.matches(b):
        return
    if a.shape != b.shape:
        what = f"{a.shape} and {b.shape} voxels"
    elif not np.allclose(a.voxel_size, b.voxel_size, rtol=1e-4):
        what = f"voxel sizes {_numbers(a.voxel_size)} and {_numbers(b.voxel_size)} Å"
    else:
        what = f"origins {_numbers(a.origin)} and {_numbers(b.origin)} Å"
    raise GridError(
        f"{first_name} and {second_name} lie on different grids ({what}; z, y, x): "
        "bring one onto the other with 'fit grid' first"
    )


def _numbers(values: Sequence[float]) -> str:
    """Numbers short enough for a message."""
    return "(" + ", ".join(f"{v:.6g}" for v in values) + ")"


def checksum_of_arrays(kind: str, text: str, *arrays: Array) -> str:
    """BLAKE2b hash, 32 hexadecimal digits, of a kind, a text and arrays in their order.

    Values are hashed as native little-endian numbers in C order, one plane at a time, so
    that a memory map larger than memory can be hashed and byte order does not matter.
    """
    digest = hashlib.blake2b(f"{kind}\n{text}\n".encode(), digest_size=16)
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype.kind}{array.dtype.itemsize}\n".encode())
        little = array.dtype.newbyteorder("<")
        for part in array if array.ndim else (array,):
            digest.update(np.ascontiguousarray(part, dtype=little).data)
    return digest.hexdigest()
