"""Networks on volumes of any size: tiles, devices, precision, and the files that models come in."""

from mapscope.inference.model import Model, load
from mapscope.inference.model_list import list_models

__all__ = ["Model", "list_models", "load"]
