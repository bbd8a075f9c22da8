# The one place for each command; CONTRIBUTING.md says when to use which.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
SOURCES = $(patsubst %/,%,$(sort $(dir $(wildcard src/mapscope/ tests/*.py benchmarks/*.py sample_data/*.py scripts/*.py))))

# Tests on real maps and models look here; without such a folder they are skipped.
MAPSCOPE_DATA ?= $(realpath ../shared/data)
ifneq ($(wildcard $(MAPSCOPE_DATA)),)
export MAPSCOPE_DATA
endif

# Empty where there is no display to draw on; only Linux can go without one, by Xvfb.
SCREEN := $(or $(DISPLAY),$(filter-out Linux,$(shell uname -s)))
XVFB := xvfb-run -a -s "-screen 0 1600x1200x24 +extension GLX"
# The offscreen platform of Qt has no OpenGL, so that napari's canvas would stay black.
ON_SCREEN = env -u QT_QPA_PLATFORM $(if $(SCREEN),,$(XVFB))

# One runs what shows windows, the others the rest. What measures time runs first, alone.
WORKERS ?= 2
NONE_FOUND = 5

# What wants a GPU: in calls of so many minutes, of which each goes on where the last one stopped.
OUT ?= out/gpu
MINUTES ?= 9

.PHONY: help run test test-slow lint bench gpu manifest clean
.NOTPARALLEL:

help:
	@echo "make run        open the sample in napari (without a display: compute and draw it)"
	@echo "make test       run the tests        make test-slow  run those over 20 s"
	@echo "make lint       check the code       make bench      run the benchmarks"
	@echo "make manifest   write napari.yaml    make clean      remove what make made"
	@echo "make gpu        measure and train what wants a GPU; call it until nothing is left"

run: $(STAMP)
	@sh scripts/system_packages.sh || true
	@if [ -n "$(SCREEN)" ]; then set -x; $(BIN)/mapscope gui --sample; \
	elif command -v xvfb-run >/dev/null; then set -x; $(ON_SCREEN) $(BIN)/python scripts/first_light.py; \
	else set -x; $(BIN)/python scripts/first_light.py; fi

test: $(STAMP)
	@sh scripts/system_packages.sh
	$(ON_SCREEN) $(BIN)/python -m pytest -m "alone and not slow" $(ARGS) || [ $$? -eq $(NONE_FOUND) ]
	$(ON_SCREEN) $(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not alone" $(ARGS)

test-slow: $(STAMP)
	@sh scripts/system_packages.sh
	$(ON_SCREEN) $(BIN)/python -m pytest -m slow $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/mapscope/napari.yaml

# TEMPy pins a biopython that must be compiled, which fails, and an old gemmi; it runs with those of
# today, so that it comes without what it asks for.
bench: $(STAMP)
	@$(BIN)/python -m pip install -q -c constraints.txt --group bench
	@$(BIN)/python -m pip install -q -c constraints.txt --no-deps biotempy
	@status=0; for script in benchmarks/*.py; do \
		[ -e "$$script" ] || continue; echo "== $$script"; $(BIN)/python "$$script" || status=1; \
	done; exit $$status

gpu: $(STAMP)
	$(BIN)/python scripts/gpu.py --out $(OUT) --minutes $(MINUTES) $(ARGS)

manifest: $(STAMP)
	$(BIN)/python -m mapscope.viewer.manifest

clean:
	rm -rf .venv build dist .benchmarks .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks sample_data scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# torch comes first: what needs it must not fetch another one.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Mapscope needs Python 3.11 or newer: make PYTHON=/path/to/python"; exit 1; }
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --upgrade -c constraints.txt pip
	$(BIN)/python -m pip install -c constraints.txt torch
	$(BIN)/python -m pip install -c constraints.txt --build-constraint constraints.txt -e '.[all]' --group test --group lint
	@touch $@
