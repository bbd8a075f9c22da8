"""The report of a result: what stands in it, that it is safe, whole, and always the same."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mapscope import cli, read, write, write_result
from mapscope.errors import InputError, UnknownFormatError
from mapscope.files import write_report
from mapscope.files.report.page import report_of
from mapscope.files.report.rows import CUT_TO, MOST_CELLS
from mapscope.files.result import plan_files, write_nouns
from mapscope.jobs import all_jobs
from mapscope.parameter import Key
from mapscope.record import Record, RecordedInput, Source, remember
from mapscope.structure import Structure
from mapscope.table import Plot, Table
from mapscope.testing import example_noun
from mapscope.volume import Volume

JOBS = all_jobs()
HOSTILE = "<script>alert(1)</script>&\"'\x00]]>"


@dataclass(frozen=True)
class Depth:
    """How deep the density goes.

    Parameters
    ----------
    mean : float
        Å, over all residues; above 2 is deep. None nowhere.
    least : float or None
        Å, of the shallowest.
    first_half : float or None
        Mean in the first half map.
    second_half : float or None
        Mean in the second half map.

    References
    ----------
    .. [1] Doe & Roe (2001) J. Depth 1, 2-3.
    """

    mean: Annotated[float, Key("mean depth", "Å")]
    least: float | None
    first_half: float | None
    second_half: float | None


@dataclass(frozen=True)
class Found:
    """What was found in the deep.

    Parameters
    ----------
    residues : Table
        One row for each residue.
    shape : Volume
        Where it was found.
    depth : Depth or None
        None without a floor; the note says why.
    count : int
        Things found.
    is_deep : bool
        Whether it is.
    note : str
        What to know.
    """

    residues: Table
    shape: Volume
    depth: Depth | None
    count: int
    is_deep: bool
    note: str


def residue_table(rows: int, chains: int = 1, chain: str = "") -> Table:
    """A score for every residue of some chains, the third and the last row without one."""
    of_chain = np.arange(rows) // -(-rows // chains)
    score = 0.5 + 0.4 * np.sin(np.arange(rows))
    score[[2, -1]] = np.nan
    columns = {
        "position": np.arange(1, rows + 1),
        "chain": np.array([chain or f"C{n}" for n in of_chain]),
        "number": np.arange(1, rows + 1),
        "name": np.array(["ALA"] * rows),
        "kind": np.array(["protein"] * (rows - 4) + ["water"] * 4),
        "q_score": score,
    }
    plot = Plot(
        x="position",
        y=("q_score",),
        x_label="residue",
        y_label="Q-score",
        title="Q-scores",
        levels={"usual at this resolution": 0.61},
        headline="half of it",
    )
    return Table(columns, {"q_score": "1"}, plot)


def found(table: Table | None = None, **given: Any) -> Found:
    """A result that a job made from a file."""
    values = {
        "residues": residue_table(40) if table is None else table,
        "shape": example_noun(Volume),
        "depth": Depth(2.3456789, None, 2.1, 1.9),
        "count": 12345,
        "is_deep": True,
        "note": "",
    }
    result = Found(**{**values, **given})
    inputs = (RecordedInput("volume", "Volume", "0" * 32, (Source(path="/data/emd_1/map.mrc"),)),)
    record = Record(
        job="find_depth",
        parameters={"resolution": 2.5, "selection": "all", "level": None},
        inputs=inputs,
        outputs={"residues": "1" * 32},
        started="2026-01-02T03:04:05+00:00",
        seconds=1.25,
        cite=("Doe & Roe (2001) J. Depth 1, 2-3.",),
    )
    for name in ("residues", "shape"):
        remember(getattr(result, name), Source(record=record, field=name))
    return result


class Page(HTMLParser):
    """A page's elements, its text outside scripts and styles, and the rows of its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        """All that is to be read."""
        return " ".join(" ".join(self.words).split())

    def values(self, tag: str, attribute: str) -> list[str | None]:
        """One attribute of all elements of a kind that have it."""
        return [attrs[attribute] for t, attrs in self.tags if t == tag and attribute in attrs]


def pictures(text: str) -> list[ET.Element]:
    """The SVG elements of a page, each of which must be XML by itself."""
    return [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def texts(picture: ET.Element) -> list[str]:
    """What stands in a picture."""
    return [t.text or "" for t in picture.iter() if t.tag.endswith("}text")]


@pytest.fixture(scope="module")
def scored(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path, Path]:
    """Scores of the sample's model in its own map, and the files of both."""
    folder = tmp_path_factory.mktemp("scored")
    model = read(sample_folder / "four_helix_bundle.cif")
    volume = JOBS["simulate_map"](model, resolution=3.0, voxel_size=1.2, padding=3.0)
    files = write(folder / "model.cif", model), write(folder / "map.mrc", volume)
    result = JOBS["score_model_in_map"](read(files[0]), read(files[1]), resolution=3.0)
    return result, *files


def test_report_when_written_has_every_number_with_its_meaning_unit_and_paper() -> None:
    page = Page(report_of(found()))
    assert {"2.3456789", "2.1", "1.9", "12345"} <= set(page.values("data", "value"))
    for words in (
        "mean depth 2.35 Å",
        "Over all residues; above 2 is deep.",
        "In the half maps: 2.10 · 1.90",
        "Doe & Roe (2001) J. Depth 1, 2-3.",
        "Least – Of the shallowest.",
        "Count 12,345 Things found.",
        "Is deep yes Whether it is.",
        "What was found in the deep.",
        "map of 30 × 32 × 36 voxels",
    ):
        assert words in page.text, words
    assert "None" not in page.text
    assert "Note" not in page.text


def test_report_when_a_score_is_missing_says_why() -> None:
    page = Page(report_of(found(depth=None, note="there is no floor")))
    assert "Depth none None without a floor; the note says why." in page.text
    assert "Note: There is no floor." in page.text


def test_report_of_a_recorded_run_says_how_it_came_about_and_how_to_repeat_it() -> None:
    text = report_of(found())
    page = Page(text)
    command = (
        "mapscope find-depth --volume /data/emd_1/map.mrc --resolution 2.5 --selection all "
        "--out report.html"
    )
    assert command in page.text
    assert "Volume: emd_1/map.mrc" in page.text
    assert ["Level", "not given"] in page.rows
    assert ["Resolution", "2.5"] in page.rows
    assert ["Started", "2026-01-02T03:04:05+00:00"] in page.rows
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert data is not None
    record = json.loads(data[1])
    assert record["inputs"][0]["sources"] == [{"path": "/data/emd_1/map.mrc"}]
    assert record["parameters"]["resolution"] == 2.5


def test_report_of_a_result_of_earlier_results_tells_the_steps() -> None:
    volume = example_noun(Volume)
    flipped = JOBS["flip_hand"](volume)
    page = Page(report_of(JOBS["subtract_maps"](flipped, volume.with_data(volume.data * 2))))
    assert "Volume: Flip hand" in page.text or "flipped of Flip hand" in page.text
    assert "Earlier steps" in page.text
    assert "No one command repeats this" in page.text


def test_report_of_a_map_that_no_job_made_says_what_it_is() -> None:
    page = Page(report_of(example_noun(Volume)))
    assert "map of 30 × 32 × 36 voxels (z, y, x), 1.20 Å" in page.text
    assert "Record" not in page.text


def test_table_of_a_report_has_the_values_of_the_result_and_blanks_for_what_is_unknown() -> None:
    table = residue_table(40)
    page = Page(report_of(found(table)))
    rows = [row for row in page.rows if len(row) == 6 and row[0].isdigit()]
    assert len(rows) == 40
    assert [int(row[0]) for row in rows] == list(range(1, 41))
    assert [row[5] == "" for row in rows] == np.isnan(table["q_score"]).tolist()
    shown = [float(row[5].replace("−", "-")) for row in rows if row[5]]
    known = table["q_score"][~np.isnan(table["q_score"])]
    np.testing.assert_allclose(shown, known, atol=5e-4)
    assert "Q-score (1)" in page.text


def test_worst_residues_of_a_report_are_the_lowest_first_without_water() -> None:
    table = residue_table(60)
    page = Page(report_of(found(table)))
    rows = [row for row in page.rows if len(row) == 5 and row[0] == "C0"]
    values = np.where(table["kind"] == "water", np.nan, table["q_score"])
    expected = table["number"][np.argsort(values)][:20]
    assert [int(row[1]) for row in rows] == expected.tolist()
    assert "The 20 residues of lowest Q-score, of 55 that have one" in page.text


def test_plot_of_a_report_has_axes_with_units_lines_by_name_and_gaps() -> None:
    frequency = np.linspace(0, 0.5, 51)
    fsc = np.clip(1.2 - 2.5 * frequency, 0, 1)
    fsc[20:23] = np.nan
    columns = {"frequency": frequency, "one": fsc, "two": fsc * 0.9}
    plot = Plot(
        x="frequency",
        y=("one", "two"),
        x_label="spatial frequency (1/Å)",
        y_label="FSC",
        levels={"0.143": 0.143},
        marks={"3.00 Å": 1 / 3},
        reciprocal_x=True,
    )
    (picture,) = pictures(report_of(found(Table(columns, {}, plot))))
    shown = texts(picture)
    for words in ("spatial frequency (1/Å)", "FSC", "resolution (Å)", "One", "Two"):
        assert words in shown
    assert {"0.143", "3.00 Å", "10", "5", "2", "0.0", "0.5", "1.0"} <= set(shown)
    curves = [p.get("d") or "" for p in picture if "curve" in (p.get("class") or "")]
    drawn = [d for d in curves if "L" in d]
    assert [d.count("M") for d in drawn] == [2, 2]
    assert picture.get("role") == "img"
    named = {(p.get("id") or ""): p.text for p in picture if p.get("id")}
    assert set((picture.get("aria-labelledby") or "").split()) == set(named)
    assert "One and Two over spatial frequency" in " ".join(str(t) for t in named.values())


@pytest.mark.parametrize(("chains", "number"), [(1, 1), (3, 3), (12, 12), (13, 1), (40, 1)])
def test_plot_of_residues_is_drawn_along_each_chain_unless_they_are_many(
    chains: int, number: int
) -> None:
    found_pictures = pictures(report_of(found(residue_table(40 * chains, chains))))
    assert len(found_pictures) == number
    curve = [p for p in found_pictures[0] if "curve" in (p.get("class") or "")][-1]
    assert (curve.get("d") or "").count("M") >= (chains if number == 1 else 1)
    assert any("usual at this resolution: 0.61" in t for t in texts(found_pictures[0]))
    if chains == 13:
        assert {"C0", "C1", "C12"} <= set(texts(found_pictures[0]))


def test_points_of_a_plot_lie_where_their_values_are() -> None:
    columns = {"x": np.array([0.0, 1.0, 2.0]), "y": np.array([0.0, 10.0, 5.0])}
    (picture,) = pictures(report_of(found(Table(columns, {}, Plot("x", ("y",))))))
    (curve,) = [p for p in picture if "curve" in (p.get("class") or "")]
    points = np.array(re.findall(r"[\d.]+", curve.get("d") or ""), dtype=float).reshape(3, 2)
    assert points[1, 0] - points[0, 0] == pytest.approx(points[2, 0] - points[1, 0], abs=0.11)
    assert points[2, 1] == pytest.approx((points[0, 1] + points[1, 1]) / 2, abs=0.11)
    ticks = {t.text: float(t.get("y") or 0) - 4 for t in picture if t.get("text-anchor") == "end"}
    assert ticks["10"] == pytest.approx(points[1, 1], abs=0.11)


@pytest.mark.parametrize("values", [[], [np.nan, np.inf], [1.0], [2.0, 2.0]])
def test_plot_of_few_or_no_points_is_left_out_or_drawn_without_warnings(
    values: list[float],
) -> None:
    column = np.array(values, dtype=np.float64)
    plot = Plot("x", ("y",), headline="nothing <here>")
    table = Table({"x": np.arange(len(column), dtype=np.float64), "y": column}, {}, plot)
    text = report_of(found(table))
    assert len(pictures(text)) == int(np.isfinite(column).any())
    assert "Nothing <here>." in Page(text).text


def test_curve_of_very_many_points_is_thinned_to_what_can_be_seen() -> None:
    x = np.arange(500_000, dtype=np.float64)
    y = np.zeros(len(x))
    y[123_456] = 1.0
    text = report_of(found(Table({"x": x, "y": y}, {}, Plot("x", ("y",)))))
    (picture,) = pictures(text)
    (curve,) = [p for p in picture if "curve" in (p.get("class") or "")]
    points = np.array(re.findall(r"[\d.]+", curve.get("d") or ""), dtype=float).reshape(-1, 2)
    assert len(points) < 2_500
    assert (points[:, 1] == points[:, 1].min()).sum() == 1
    assert np.ptp(points[:, 1]) > 150


def test_report_when_names_are_hostile_shows_them_and_runs_none_of_them() -> None:
    table = residue_table(40, chain=HOSTILE)
    result = found(table, note=f"note {HOSTILE}")
    inputs = (RecordedInput("volume", "Volume", "0" * 32, (Source(path=f"/data/{HOSTILE}"),)),)
    record = Record(job="find_depth", parameters={"selection": HOSTILE}, inputs=inputs)
    remember(result.residues, Source(record=record, field="residues"))
    text = report_of(result)
    page = Page(text)
    assert text.count("<script") == 2
    assert [attrs.get("type") for tag, attrs in page.tags if tag == "script"] == [
        "application/json",
        None,
    ]
    assert page.text.count("<script>alert(1)</script>") >= 40
    assert "\x00" not in text
    pictures(text)
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]


def test_report_needs_nothing_from_outside_and_lets_only_its_own_script_run() -> None:
    import base64
    import hashlib

    text = report_of(found())
    page = Page(text)
    assert not page.values("link", "href")
    assert not [value for tag, _ in page.tags for value in page.values(tag, "src")]
    outside = re.findall(r"https?://[^\s\"'<>)]+", text)
    assert set(outside) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in text
    assert "url(" not in text
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = page.values("meta", "content")[:1]
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_report_of_equal_results_has_equal_bytes_whatever_it_is_called(tmp_path: Path) -> None:
    first = write_report(tmp_path / "a.html", found())
    second = write_report(tmp_path / "b.HTML", found())
    assert first.read_bytes() == second.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.HTML"]


def test_report_when_it_cannot_be_written_says_why_and_leaves_an_older_one(tmp_path: Path) -> None:
    older = tmp_path / "a.html"
    older.write_text("old", encoding="utf-8")
    with pytest.raises(UnknownFormatError, match="not compressed"):
        write_report(tmp_path / "a.html.gz", found())
    with pytest.raises(InputError, match="what a job returned, got int"):
        write_report(older, 3)
    with pytest.raises(FileNotFoundError, match="make it first"):
        write_report(tmp_path / "no" / "a.html", found())
    with pytest.raises(InputError, match="whole result"):
        write_nouns({"residues": residue_table(5)}, older)
    assert older.read_text(encoding="utf-8") == "old"


def test_report_of_ten_thousand_residues_has_all_of_them_within_five_megabytes() -> None:
    columns = {f"score_{n}": np.random.default_rng(n).random(10_000) for n in range(11)}
    whole = residue_table(10_000, 30)
    table = Table({**whole.columns, **columns}, {}, whole.plot)
    text = report_of(found(table))
    assert len(text.encode()) < 5_000_000
    assert text.count("<tr>") > 10_000


def test_table_that_is_too_large_for_a_page_is_cut_and_says_how_to_get_it_whole() -> None:
    rows = MOST_CELLS // 6 + 1
    text = report_of(found(residue_table(rows)))
    page = Page(text)
    assert f"The first {CUT_TO} of {rows:,} rows stand here" in page.text
    assert "--out residues.csv --save residues" in page.text
    assert len([row for row in page.rows if len(row) == 6 and row[0].isdigit()]) == CUT_TO


def test_titles_of_a_reports_tables_are_header_cells_and_pages_have_a_language() -> None:
    page = Page(report_of(found()))
    heads = [attrs for tag, attrs in page.tags if tag == "th"]
    assert heads
    assert {attrs.get("scope") for attrs in heads} == {"col", "row"}
    assert page.values("html", "lang") == ["en"]
    assert page.values("meta", "charset") == ["utf-8"]
    ids = [i for tag in {t for t, _ in page.tags} for i in page.values(tag, "id")]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(np.diff(levels)) <= 1


def _luminance(color: str) -> float:
    """Relative luminance of a colour, as WCAG 2 has it."""
    parts = np.array([int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_colours_of_a_report_can_be_told_from_the_ground_in_every_theme() -> None:
    style = re.findall(r"<style>(.*?)</style>", report_of(found()), re.DOTALL)[0]
    themes = [
        dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in style.split(":root {")[1:4]
    ]
    assert len(themes) == 3
    for theme in themes:
        for name in ("ink", "quiet", "accent"):
            for ground in ("ground", "raised", "remark"):
                light, dark = sorted((_luminance(theme[name]), _luminance(theme[ground])))[::-1]
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)
        for name in ("c0", "c1", "c2", "c3", "c4"):
            light, dark = sorted((_luminance(theme[name]), _luminance(theme["ground"])))[::-1]
            assert (light + 0.05) / (dark + 0.05) >= 3, name


@pytest.mark.parametrize(
    ("save", "names"),
    [
        ((), ["x_map.mrc", "x_model.cif", "x.html"]),
        (("curve",), ["x_curve.csv", "x.html"]),
        (("model",), ["x_model.cif", "x.html"]),
    ],
)
def test_files_beside_a_report_are_what_does_not_stand_in_it(
    tmp_path: Path, save: tuple[str, ...], names: list[str]
) -> None:
    kinds: dict[str, type] = {"map": Volume, "model": Structure, "curve": Table}
    paths = plan_files(kinds, tmp_path / "x.html", save)
    assert [p.name for p in paths.values()] == names
    with pytest.raises(UnknownFormatError, match="not compressed"):
        plan_files(kinds, tmp_path / "x.html.gz")
    with pytest.raises(FileNotFoundError, match="make it first"):
        plan_files(kinds, tmp_path / "no" / "x.html")


def test_result_written_as_a_report_has_its_map_beside_it(tmp_path: Path) -> None:
    result = JOBS["sharpen_by_b_factor"](example_noun(Volume), b_factor=-20.0)
    (written,) = write_result(tmp_path / "s.html", result)
    assert written.path.name == "s_sharpened.mrc"
    assert read(written.path).checksum() == result.sharpened.checksum()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "s.html",
        "s_sharpened.mrc",
        "s_sharpened.mrc.record.json",
    ]
    assert "−20" in Page((tmp_path / "s.html").read_text("utf-8")).text


def test_report_of_a_scored_model_has_its_scores_plots_and_tables(scored: Any) -> None:
    result, model, map_file = scored
    text = report_of(result)
    page = Page(text)
    values = set(page.values("data", "value"))
    for score in (
        result.emringer.score,
        result.q_score.mean,
        result.q_score.expected,
        result.agreement.cc_mask,
        result.agreement.cc_box,
        result.agreement.cc_peaks,
        result.agreement.d_fsc_half,
        result.atoms_outside,
    ):
        assert repr(score) in values
    for words in ("Barad et al. (2015)", "Pintilie et al. (2020)", "Afonine et al. (2018)"):
        assert words in page.text
    assert f"{model.parent.name}/{model.name}" in page.text
    assert str(map_file) in page.text
    headings = [r for r in page.rows if r and r[0] == "Position"]
    assert len(headings[0]) == len(result.residues.columns)
    whole = [r for r in page.rows if len(r) == len(headings[0]) and r[0].isdigit()]
    assert len(whole) == len(result.residues)
    assert len(pictures(text)) >= 4


def test_command_that_writes_a_report_answers_as_json_and_writes_nothing_else(
    scored: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, model, map_file = scored
    out = tmp_path / "x.html"
    words = ["score-model-in-map", str(model), str(map_file), "--resolution", "3"]
    assert cli.main([*words, "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["files"] == []
    assert answer["emringer"]["score"] == result.emringer.score
    assert [p.name for p in tmp_path.iterdir()] == ["x.html"]
    page = Page(out.read_text("utf-8"))
    assert repr(answer["q_score"]["mean"]) in page.values("data", "value")
    assert "--resolution 3.0" in page.text
    assert cli.main([*words, "--out", f"{out}.gz"]) == cli.WRONG_INPUT
    assert "not compressed" in capsys.readouterr().err


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "settings"),
    [("emd4413_6i5a", {}), ("xray_1mru", {"radiation": "x_rays"})],
)
def test_report_of_a_real_map_and_crystal_has_every_residue_and_picture(
    data_folder: Path, folder: str, settings: dict[str, Any]
) -> None:
    place = data_folder / "maps" / folder
    (model,) = place.glob("model.*")
    volume = read(place / "map.mrc.gz", cover=model) if settings else read(place / "map.mrc.gz")
    result = JOBS["score_model_in_map"](read(model), volume, selection="A", **settings)
    text = report_of(result)
    page = Page(text)
    assert f"{folder}/{model.name}" in page.text
    assert repr(result.q_score.mean) in page.values("data", "value")
    width = len(result.residues.columns)
    numbers = [int(r[0]) for r in page.rows if len(r) == width and r[0].isdigit()]
    assert numbers == result.residues["position"].tolist()
    shown = [t for picture in pictures(text) for t in texts(picture)]
    assert {"residue number", "spatial frequency (1/Å)", "resolution (Å)"} <= set(shown)
