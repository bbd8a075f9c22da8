"""What a form says when a run is done."""

from __future__ import annotations

from typing import Any

from mapscope.jobs import all_jobs
from mapscope.viewer.answer import NO_BREAK, all_numbers_text, answer_text

SCORES: dict[str, Any] = {
    "emringer": {"score": 3.1704, "z_score": 4.96, "residues": 245},
    "q_score": {"mean": 0.6273, "expected": 0.5438, "nucleic": None},
    "agreement": {"cc_mask": 0.8169, "d_fsc_half": 3.242, "d_fsc_0143": None},
    "atoms_outside": 0,
    "note": "",
}


def test_answer_when_the_job_names_key_numbers_tells_these_in_one_line() -> None:
    text = answer_text(all_jobs()["score_model_in_map"], SCORES).replace(NO_BREAK, " ")
    assert text == (
        "EMRinger <b>3.17</b> · mean Q <b>0.627</b> · usual Q <b>0.544</b> · "
        "CC_mask <b>0.817</b> · d_FSC 0.5 <b>3.24 Å</b>"
    )


def test_answer_when_a_score_is_missing_leaves_it_out_and_tells_the_note() -> None:
    note = "no EMRinger score: there is no protein & <none>"
    scores = {**SCORES, "emringer": None, "note": note}
    lines = answer_text(all_jobs()["score_model_in_map"], scores).split("<br>")
    assert lines[0].startswith(f"mean{NO_BREAK}Q")
    assert lines[1:] == ["No EMRinger score: there is no protein &amp; &lt;none&gt;"]


def test_answer_when_a_result_has_a_verdict_tells_it_below_the_numbers() -> None:
    job = all_jobs()["check_hand"]
    text = answer_text(job, {"hand": "right", "score": 8.2, "verdict": "the hand is right"})
    assert text == "Hand: right, Score: 8.2<br>The hand is right"


def test_answer_when_there_are_only_numbers_is_plain() -> None:
    job = all_jobs()["shell_correlation"]
    assert answer_text(job, {"a": -1.5, "b": True, "c": 2.0}) == "A: −1.5, C: 2"


def test_all_numbers_stand_in_the_tooltip() -> None:
    lines = all_numbers_text(all_jobs()["score_model_in_map"], SCORES).splitlines()
    assert lines == [
        "EMRinger: score 3.17, z score 4.96, residues 245",
        "Q-score: mean 0.6273, expected 0.5438",
        "Agreement: CC mask 0.8169, d_FSC 0.5 3.242",
        "Atoms outside: 0",
    ]
