"""Which job or dock answers which question: the list that the first window shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mapscope.jobs import all_jobs
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.viewer.inputs import MENDABLE, reason_for_kind
from mapscope.viewer.manifest import DOCKS
from mapscope.viewer.partners import half_map_pair
from mapscope.volume import HalfMaps, Volume


@dataclass(frozen=True)
class Question:
    """A question and what answers it.

    Parameters
    ----------
    words : str
        As somebody would ask who knows no names of jobs.
    job : str
        Name of the job that answers it, or
    dock : str
        name of the dock.
    settings : tuple of (name, value)
        Parameters of the job that the question already answers.
    method : str
        Name of what the dock is told to do, if it is to do more than be shown.
    needs : tuple of type
        What a dock needs; what a job needs, it says itself. `object` is anything at all.
    """

    words: str
    job: str = ""
    dock: str = ""
    method: str = ""
    settings: tuple[tuple[str, Any], ...] = ()
    needs: tuple[type, ...] = ()

    @property
    def answer(self) -> str:
        """Name of what answers it."""
        return all_jobs()[self.job].title if self.job else self.dock

    @property
    def tip(self) -> str:
        """What a click does."""
        return all_jobs()[self.job].summary if self.job else f"Show the {self.dock} dock."

    @property
    def is_there(self) -> bool:
        """Whether there is such a job, with a model where it needs one, or such a dock."""
        if self.job not in all_jobs():
            return self.dock in {title for title, _ in DOCKS.values()}
        choices = [p.show.choices for p in all_jobs()[self.job].settings]
        return all(found() for found in choices if found is not None)


QUESTIONS = {
    "Understand": (
        Question("What is this file? Is it sound?", dock="Info", needs=(object,)),
        Question("How fine is it, at a glance?", job="classify_resolution"),
        Question("Is my map any good?", job="shell_correlation"),
        Question("How good is it at this spot?", job="local_shell_correlation"),
        Question("What symmetry does it have?", job="find_symmetry"),
        Question("Is the hand right?", job="check_hand"),
        Question("How alike are two maps?", job="compare_maps"),
    ),
    "Model and map": (
        Question("Does my model fit?", job="score_model_in_map"),
        Question(
            "Where does my model go?",
            job="fit_structure",
            settings=(("search", "global"),),
        ),
    ),
    "Look": (
        Question("See a map as a surface", dock="Contour", needs=(Volume,)),
        Question(
            "Colour it by a second map",
            dock="Contour",
            method="color_by_second_map",
            needs=(Volume, Volume),
        ),
        Question("Show a structure in density", dock="Structure", needs=(Structure,)),
        Question("Compare two maps", dock="View", needs=(Volume, Volume)),
        Question("Make a picture or a movie", dock="View", needs=(object,)),
    ),
    "Simulate": (
        Question("Make a map from a structure", job="simulate_map"),
        Question("Make half maps of known quality", job="degrade_map"),
        Question("Make a tomogram of known contents", job="simulate_tomogram"),
    ),
    "Improve": (
        Question("Make my map interpretable", job="enhance"),
        Question("Sharpen my map", job="sharpen_by_b_factor"),
        Question("Take away noise", job="filter_map"),
        Question("Average over symmetry", job="apply_symmetry"),
        Question("Mend voxel size or origin", job="mend_map"),
        Question("Correct the hand", job="flip_hand"),
    ),
    "Cut and combine": (
        Question("Make a mask", job="make_mask"),
        Question("Cut a map into regions", job="segment_map"),
        Question("Keep density near a structure", job="zone_map"),
        Question("Cut out a box", job="crop_map"),
        Question("Make a map smaller, faster", job="bin_map"),
        Question("Put a map on another's grid", job="fit_grid"),
        Question("Subtract a map from another", job="subtract_maps"),
    ),
    "Picks": (
        Question("Clean my picks", dock="Picks", needs=(Particles,)),
        Question("Find particles by their structure", job="match_template"),
        Question("Find particles without a template", job="pick_blobs"),
        Question("Are my picks any good?", job="average_particles"),
        Question("How many did I find of what is there?", job="score_picks"),
    ),
    "Correct": (Question("Correct picks or labels", dock="Edit"),),
    "Train": (Question("Train a network of my own", dock="Train"),),
}
"""The questions, in groups. A further one is a further line here."""

MISSING = {
    object: "Open a file first: drop it into the window.",
    Volume: "Open a map first.",
    HalfMaps: "Open both half maps first.",
    Structure: "Open a structure (PDB or mmCIF file) first.",
    Particles: "Open a list of picks first (STAR, .tbl, .em, copick, …).",
    Labels: "Open labels first, or make some with Segment map.",
}
ONE_MORE = {
    Volume: "Open a second map first.",
    Particles: "Open a second list first: of where the particles truly are.",
}


def reason_against_asking(question: Question, layers: Iterable[Any]) -> str:
    """What has to be opened before a question can be answered, or an empty text."""
    layers = list(layers)
    needs = list(question.needs)
    if question.job:
        inputs = all_jobs()[question.job].inputs
        needs = [p.noun for p in inputs if p.required and p.noun is not None]
        # A job whose inputs are all optional takes one map or two half maps, where it takes maps.
        if not needs and any(p.noun is Volume for p in inputs):
            needs = [Volume]
    for noun in dict.fromkeys(needs):
        count = _count(noun, layers)
        if count == 0:
            return MISSING[noun]
        if count < needs.count(noun) and noun in ONE_MORE:
            return ONE_MORE[noun]
    return ""


def _count(noun: type, layers: list[Any]) -> int:
    """How many layers can stand for a noun of this class; a missing voxel size can be given."""
    if noun is object:
        return len(layers)
    if noun is HalfMaps:
        return int(half_map_pair(layers) is not None)
    return sum(reason_for_kind(layer, noun) in MENDABLE for layer in layers)
