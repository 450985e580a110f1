# Each target sets up .venv by itself; all it needs is Python 3.11 or newer and make.

PYTHON ?= python3
BIN := .venv/bin
# nbgrader calls alembic by name.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test build lint bench

demo: .venv/installed
	$(BIN)/mlphys demo

test: lint
	$(BIN)/mlphys build --check
	# Tests of one file share what is dear to make: a graded class, a built course. Files come in their order: the longest
	# have few tests each, which would put them last, where one core has nothing else to do. Three at a time: on two cores, a
	# tenth of the time would pass with waiting for what does not end.
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

build: .venv/installed
	$(BIN)/mlphys build

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/installed
	$(BIN)/python -m autograder.bench

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "mlphys needs Python 3.11 or newer, and $(PYTHON) is not. Name another: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
	# pip would compile with one core, and Python itself nothing where it is told not to write. Some files are not meant for it.
	$(BIN)/python -m compileall -qq -j 0 .venv/lib || true
	# An optional check of jsonschema's, which compiles a grammar each time that any command of Jupyter's starts: 1.3 s.
	$(BIN)/python -m pip uninstall --quiet --yes rfc3987-syntax
	@touch $@
