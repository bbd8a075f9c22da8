"""Tomograms of known contents: particles packed in ice, imaged at many tilts, put together again.

The steps, each in a file: `species` (what there is), `packing` (where it lies), `specimen` (ice,
vesicles and gold), `projection` (what a tilt sees), `tilt_series` (microscope, noise and
detector), `back_projection`, and `simulation`, which runs them.
"""
