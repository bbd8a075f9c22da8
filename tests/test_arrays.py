import hashlib

import numpy as np
import pytest

from mapscope.arrays import LazyArray, checksum_of_arrays, read_only


@pytest.mark.parametrize("shape", [(), (0, 3), (5, 3), (7, 400, 300), (2000, 3, 2)])
def test_checksum_of_an_array_is_that_of_all_its_bytes_wherever_it_is_cut(
    shape: tuple[int, ...],
) -> None:
    array = np.asarray(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    digest = hashlib.blake2b(b"kind\ntext\n", digest_size=16)
    digest.update(f"{shape} f4\n".encode() + array.tobytes())
    assert checksum_of_arrays("kind", "text", array) == digest.hexdigest()
    assert checksum_of_arrays("kind", "text", array.astype(">f4")) == digest.hexdigest()
    if shape:
        lazy = read_only(LazyArray(shape, np.float32, lambda box: array[box]))
        assert checksum_of_arrays("kind", "text", lazy) == digest.hexdigest()
