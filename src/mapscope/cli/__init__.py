"""The command line: one command for every job, made from the job's own signature."""

from mapscope.cli.start import without_collecting

with without_collecting():
    from mapscope.cli.app import main
    from mapscope.cli.terminal import CANCELLED, DONE, FAILED, WRONG_INPUT

__all__ = ["CANCELLED", "DONE", "FAILED", "WRONG_INPUT", "main"]
