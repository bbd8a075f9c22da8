"""The commands for model files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App
from cyclopts import Parameter as Option


def models_app() -> App:
    """The commands for model files."""
    models = App(
        name="models",
        group="Files",
        help="List the models that there are, look at them, bring new ones.",
        help_format="plaintext",
        version_flags=[],
    )
    models.command(_list_models, name="list")
    models.command(_show_card, name="card")
    models.command(_verify_model, name="verify")
    models.command(_import_model, name="import")
    models.command(_remove_model, name="remove")
    return models


def _list_models(
    *, json_: Annotated[bool, Option(name="--json", negative="", show_default=False)] = False
) -> None:
    """Every model by name: those that came with Mapscope, and your own.

    Parameters
    ----------
    json_
        Print one JSON object.
    """
    from mapscope.inference.model_list import list_models, model_rows

    rows = model_rows(list_models())
    if json_:
        sys.stdout.write(json.dumps({"models": rows}, ensure_ascii=False) + "\n")
    elif rows:
        lines = [list(rows[0]), *(row.values() for row in rows)]
        sys.stdout.writelines("\t".join(map(str, line)) + "\n" for line in lines)
    else:
        sys.stderr.write("there are no models yet: 'mapscope models import FILE' brings one\n")


def _show_card(model: str) -> None:
    """What a model says of itself, as JSON.

    Parameters
    ----------
    model
        Its name, or a model file.
    """
    from mapscope.inference.model_file import read_card
    from mapscope.inference.model_list import find_model

    card = read_card(find_model(model)).to_json()
    sys.stdout.write(json.dumps(card, ensure_ascii=False, indent=1) + "\n")


def _verify_model(model: str) -> None:
    """Read all of a model, compare its checksum and try its weights in its network.

    Parameters
    ----------
    model
        Its name, or a model file.
    """
    from mapscope.inference.model_list import verify

    card, checksum = (file := verify(model)).card, file.checksum
    sys.stdout.write(f"{card.name} {card.version} is as it was written: {checksum}\n")


def _import_model(
    path: Path, *, replace: Annotated[bool, Option(negative="", show_default=False)] = False
) -> None:
    """Verify a model file and copy it to your own models, under the name on its card.

    Parameters
    ----------
    path
        The model file.
    replace
        Overwrite another model of that name.
    """
    from mapscope.inference.model_list import import_model

    sys.stdout.write(f"{import_model(path, replace=replace).path}\n")


def _remove_model(name: str) -> None:
    """Delete one of your own models.

    Parameters
    ----------
    name
        What it is called.
    """
    from mapscope.inference.model_list import remove_model

    sys.stdout.write(f"{remove_model(name)} is deleted\n")
