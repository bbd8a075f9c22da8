import json
import os
from pathlib import Path

import psutil
import pytest

from mapscope.errors import InputError
from mapscope.training.claim import claimed


def test_claim_is_gone_when_the_file_is_made_and_when_that_failed(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "maps.f16"
    with claimed(path):
        path.write_bytes(b"half of it")
        assert len(list(path.parent.iterdir())) == 2
    with pytest.raises(RuntimeError, match="no more"), claimed(path):
        raise RuntimeError("no more")
    assert list(path.parent.iterdir()) == [path]


def test_claim_of_another_process_is_heeded_while_it_lives(tmp_path: Path) -> None:
    parent = psutil.Process(os.getppid())
    living = {"pid": parent.pid, "started": parent.create_time()}
    claim = tmp_path / "maps.claim"
    claim.write_text(json.dumps(living))
    with pytest.raises(InputError, match=f"process {parent.pid} is making"):
        claimed(tmp_path / "maps.f16").__enter__()
    assert json.loads(claim.read_text()) == living
    claim.write_text(json.dumps(living | {"started": parent.create_time() - 1000}))
    with claimed(tmp_path / "maps.f16"):
        assert json.loads(claim.read_text())["pid"] == os.getpid()
