# From a clean clone: needs python3 (3.11 to 3.13) and make, nothing else. Everything goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_ARGS ?=
TEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv test lint demo clean

help:
	@echo "make venv   create $(VENV) and install samtailor with its developer tools (PYTHON=python3.12 picks another)"
	@echo "make test   lint, format, types and tests (TEST_ARGS='-k report' for some)"
	@echo "make lint   lint, format and types only"
	@echo "make demo   fit on the bundled sample, write runs/demo (DEMO_ARGS='--minutes 2' for a short one)"
	@echo "make clean  remove build and test debris; $(VENV) and runs/ stay"

venv: $(STAMP)

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "error: there is no $(PYTHON); install Python 3.11 to 3.13." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1); samtailor needs Python 3.11 to 3.13." >&2; \
	  echo "       Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "error: $(PYTHON) -m venv failed; on Debian and Ubuntu install python3-venv." >&2; exit 1; }

$(STAMP): pyproject.toml | $(BIN)/python
	@echo "installing samtailor and its developer tools into $(VENV); torch is large, this takes minutes the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
	@echo "installed: $$($(BIN)/python -c 'import torch; print("torch", torch.__version__)')"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -q $(TEST_ARGS)

demo: $(STAMP)
	$(BIN)/samtailor demo --out runs/demo $(DEMO_ARGS)

clean:
	rm -rf build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
