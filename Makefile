# From a clean clone: needs python3 (3.11 to 3.13) and make, nothing else. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# One stamp per set of packages: the package alone, the developer tools, the documentation tools.
PACKAGE := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
DOCS := $(VENV)/.installed-docs
DEMO_ARGS ?=
TEST_ARGS ?=
CAMPAIGN_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv test lint campaign demo docs build clean

help:
	@echo "make demo   install samtailor, fit on the bundled sample, write runs/demo (DEMO_ARGS='--minutes 2' is shorter)"
	@echo "make test   also install the developer tools; lint, format, types and tests (TEST_ARGS='-k report' for some)"
	@echo "make lint   lint, format and types only"
	@echo "make campaign  damage inputs, kill processes and cut power thousands of times; hours (CAMPAIGN_ARGS='images --count 500')"
	@echo "make docs   also install the documentation tools; write docs/_build/html, warnings are errors"
	@echo "make build  write the wheel and the source distribution to dist/"
	@echo "make venv   only create $(VENV) with samtailor and the developer tools (PYTHON=python3.12 picks another Python)"
	@echo "make clean  remove what builds and tests leave behind; $(VENV) and runs/ stay"

venv: $(DEV)

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) was not found; install Python 3.11 to 3.13." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1); samtailor needs Python 3.11 to 3.13." >&2; \
	  echo "       Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "error: $(PYTHON) -m venv failed; on Debian and Ubuntu install python3-venv." >&2; exit 1; }

$(PACKAGE): pyproject.toml | $(BIN)/python
	@echo "installing samtailor into $(VENV); torch is large, this takes minutes the first time"
	@$(PIP) -e .
	@touch $@
	@echo "installed: $$($(BIN)/python -c 'import torch; print("torch", torch.__version__)')"

$(DEV): $(PACKAGE)
	@echo "installing the developer tools into $(VENV)"
	@$(PIP) -e '.[dev]'
	@touch $@

$(DOCS): $(PACKAGE)
	@echo "installing the documentation tools into $(VENV)"
	@$(PIP) -e '.[docs]'
	@touch $@

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --dist loadfile $(TEST_ARGS)

campaign: $(DEV)
	OMP_NUM_THREADS=1 nice -n 19 $(BIN)/python -m tests.campaigns $(CAMPAIGN_ARGS)

demo: $(PACKAGE)
	$(BIN)/samtailor demo --out runs/demo $(DEMO_ARGS)

docs: $(DOCS)
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html -d docs/_build/doctrees docs docs/_build/html
	@echo "documentation: docs/_build/html/index.html"

build: $(DEV)
	$(BIN)/python -m build --no-isolation --outdir dist

clean:
	rm -rf build dist docs/_build .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
