"""Everything that wants a GPU, in calls of ten minutes: figures, and recipes that are not learned.

``python scripts/gpu.py --out DIR [--data DIR | --corpus FILE] [--minutes 9] [--only NAME,NAME]``
does what is left to do in the folder DIR, in order, until so many minutes are over, and says what
is left. Call it again with the same folder, or a copy of it on another machine, until nothing is
left: figures that were measured are not measured again, and trainings go on where they stopped.

DIR gets ``figures.json`` (each figure with device and date) and ``runs/RECIPE``, the run folders of
the trainings, with the models in them. Structures to learn from are the folder ``structures`` of
the data folder (default: ``MAPSCOPE_DATA``), or a corpus that build-corpus made.

``--device cpu --minutes 1 --only matrix_peak`` tries it without a GPU; ``--list`` says what there
is to do; ``--only`` takes files of recipes, too. Exit status: 0 nothing is left, 3 call it again,
1 something failed, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from device_figures import FIGURES

from mapscope.errors import Cancelled, MapscopeError
from mapscope.training.recipe import SUFFIX, recipe_names, recipe_text

LEAST_SECONDS = 45.0
"""What is not begun in the last seconds of a call."""

CLOSING_SECONDS = 20.0
"""What a training needs to write its state and its model."""

DONE, FAILED, USAGE, AGAIN = 0, 1, 2, 3


@dataclass(frozen=True)
class Call:
    """One call of this script.

    Parameters
    ----------
    out : Path
        Folder that outlives it.
    device : str
        cuda or cpu.
    deadline : float
        When it is over, by ``time.monotonic``.
    """

    out: Path
    device: str
    deadline: float

    @property
    def seconds(self) -> float:
        """How many are left."""
        return self.deadline - time.monotonic()

    def progress(self, _done: int, _total: int, _message: str = "") -> None:
        """Stop what runs when the time is nearly over.

        Raises
        ------
        Cancelled
            Then.
        """
        if self.seconds < CLOSING_SECONDS:
            raise Cancelled("the time of this call is over")


def main() -> int:
    options = parsed()
    started = time.monotonic()
    call = Call(options.out, options.device, started + 60 * options.minutes)
    options.out.mkdir(parents=True, exist_ok=True)
    tasks: dict[str, Callable[[], None]] = {
        name: lambda name=name: measure(call, name)  # type: ignore[misc]
        for name in FIGURES
    }
    files = [name for name in options.only if name.endswith(SUFFIX) and Path(name).is_file()]
    tasks |= {
        Path(recipe).stem: lambda recipe=recipe: learn(call, recipe, options)  # type: ignore[misc]
        for recipe in (*recipe_names(), *files)
    }
    only = {Path(name).stem if name in files else name for name in options.only}
    if unknown := sorted(only - set(tasks)):
        print(f"there is no {', '.join(unknown)}: choose from {', '.join(tasks)}")
        return USAGE
    wanted = [name for name in tasks if not only or name in only]
    if not options.list:
        failed = run(call, {name: tasks[name] for name in wanted})
        if failed:
            return FAILED
    left = [name for name in wanted if not is_done(call, name)]
    print(f"left: {', '.join(left) or 'nothing'}")
    return AGAIN if left else DONE


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder that outlives the call")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=9.0, help="of this call")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--corpus", type=Path, help="made by build-corpus, instead of --data")
    parser.add_argument(
        "--recipe-minutes", type=float, default=8.0, help="of each training, over all calls"
    )
    parser.add_argument(
        "--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2), help="that make samples"
    )
    parser.add_argument("--list", action="store_true", help="say what is left, and do nothing")
    return parser.parse_args()


def run(call: Call, tasks: dict[str, Callable[[], None]]) -> list[str]:
    """Do what is left while there is time; gives the names of what failed."""
    failed = []
    for name, task in tasks.items():
        if is_done(call, name):
            continue
        if call.seconds < LEAST_SECONDS:
            break
        began = time.monotonic()
        try:
            task()
            ending = "done"
        except Cancelled as stop:
            ending = str(stop)
        except (MapscopeError, OSError, RuntimeError, ArithmeticError, ImportError) as error:
            failed.append(name)
            ending = f"FAILED: {error}"
        print(f"{name:24s} {time.monotonic() - began:6.0f} s  {ending}", flush=True)
    return failed


def is_done(call: Call, name: str) -> bool:
    """Whether a figure was measured on this device, or a training has ended."""
    if name in FIGURES:
        measured: dict[str, Any] = figures(call).get(name, {})
        return measured.get("device") == call.device
    facts = call.out / "runs" / name / "run.json"
    return facts.is_file() and "ended" in json.loads(facts.read_text(encoding="utf-8"))


def figures(call: Call) -> dict[str, Any]:
    """The figures that were measured."""
    path = call.out / "figures.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def measure(call: Call, name: str) -> None:
    """Measure a figure, keep it, and print it."""
    from mapscope.training.device import hardware, training_device

    numbers = FIGURES[name](call.device)
    where = hardware(training_device(call.device))
    about = {"device": call.device, "hardware": where, "date": date.today().isoformat()}
    text = json.dumps(figures(call) | {name: {**about, **numbers}}, indent=1)
    new = call.out / "figures.new"
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(call.out / "figures.json")
    for key, value in numbers.items():
        print(f"  {key:24s} {value:.5g}" if isinstance(value, float) else f"  {key:24s} {value}")


def learn(call: Call, recipe: str, options: argparse.Namespace) -> None:
    """Train a recipe, or go on with it, wherever its folder lies now."""
    from mapscope.training.loop import resume, start
    from mapscope.training.run_folder import RunFolder

    folder, corpus = call.out / "runs" / Path(recipe).stem, corpus_file(call, options)
    cache = call.out / "cache"
    if (folder / "run.json").is_file():
        run_folder = RunFolder(folder)
        place = {"corpus": str(corpus.resolve()), "cache": str(cache.resolve())}
        run_folder.write_facts(run_folder.facts() | place | {"device": call.device})
        resume(folder, progress=call.progress)
        return
    text = with_workers(recipe_text(recipe), options.workers)
    minutes = options.recipe_minutes
    start(
        text, corpus, folder, cache=cache, minutes=minutes, device=call.device,
        progress=call.progress,
    )  # fmt: skip


def corpus_file(call: Call, options: argparse.Namespace) -> Path:
    """The structures to learn from, built once where there is only a folder of them.

    Raises
    ------
    OSError
        If there are none.
    """
    if options.corpus is not None:
        given: Path = options.corpus
        return given
    made = call.out / "corpus.safetensors"
    if made.is_file():
        return made
    if options.data is None:
        raise OSError("nothing to learn from: give --data or --corpus, or set MAPSCOPE_DATA")
    from mapscope.jobs import build_corpus

    build_corpus(folder=Path(options.data) / "structures", output=made, progress=call.progress)
    return made


def with_workers(text: str, workers: int) -> str:
    """A recipe whose samples are made by so many processes, which does not change them."""
    text = re.sub(r"(?m)^workers\s*=.*\n?", "", text)
    return re.sub(r"(?m)^\[schedule\]\s*$", f"[schedule]\nworkers = {workers}", text)


if __name__ == "__main__":
    sys.exit(main())
