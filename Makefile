# make demo [DOC=file]   read a page with the shipped model
# make test              the tests, without the slow ones
# make check             format, lint, types
# make setup             the environment alone: .venv/bin/texthawk and .venv/bin/python
#
# A machine needs Python 3.11 or newer, make and git; everything else goes into .venv.

SHELL := /bin/bash
PYTHON ?= python3
DOC ?= examples/page.png

VENV := .venv
# Modules are compiled when they are first used; most never are.
PIP_INSTALL := $(VENV)/bin/python -m pip --disable-pip-version-check install --quiet --no-compile
BEGAN := $(shell date +%s)
REQUIREMENTS := pyproject.toml constraints.txt
# The address of an index with CPU builds of torch, a tenth of the usual download, may be given as TORCH_INDEX.
TORCH_INDEX ?=

export HF_HUB_OFFLINE := 1

.PHONY: setup demo test test-slow check format clean
.DELETE_ON_ERROR:

setup: $(VENV)/.developer

demo: $(VENV)/.runtime
	@$(VENV)/bin/python examples/demo.py --setup-seconds $$(($$(date +%s) - $(BEGAN))) $(call quoted,$(DOC))

test: setup
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --dist loadfile -m "not slow"

test-slow: setup
	$(VENV)/bin/python -m pytest -m slow

check: setup
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy

format: setup
	$(VENV)/bin/ruff format
	$(VENV)/bin/ruff check --fix

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The stamps are newer than what was installed from, so a second call takes no time.
$(VENV)/.developer: $(VENV)/.runtime
	$(PIP_INSTALL) -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.runtime: $(VENV)/bin/python $(REQUIREMENTS)
	@if [ -n "$(TORCH_INDEX)" ]; then \
	  $(PIP_INSTALL) --no-deps --retries 0 --timeout 20 --index-url "$(TORCH_INDEX)" \
	    "$$(grep '^torch==' constraints.txt)" 2>/dev/null || echo "torch: $(TORCH_INDEX) has none, taking the usual one"; fi
	$(PIP_INSTALL) -c constraints.txt -e .
	@touch $@

$(VENV)/bin/python:
	@command -v "$(PYTHON)" >/dev/null || \
	  { echo "make: there is no $(PYTHON); install Python 3.11 or newer, or name one with PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $$("$(PYTHON)" --version) is too old; texthawk needs 3.11 or newer: name one with PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: $(PYTHON) cannot make environments; on Debian: apt install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

# A file name as one word for the shell, whatever is in it.
quoted = '$(subst ','\'',$(1))'
