# The few commands of this project. Start with: make run, make test.
# They need Python 3.11 (or newer), make and a C compiler; everything else is installed into .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PORT   ?= 8000
BENCHES := startup embed ingest media

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long lint format types bench demo-reset screenshots docs openapi constraints clean

help:                 ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMP)       ## make .venv with everything the server and its tests need

# Remade only when what it was made from changes. torch comes first and alone: it is by far the largest part.
# resemblyzer comes without what it asks for: only its weights and its network are used, which need torch alone.
$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Earshot needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "torch==2.13.0" -c constraints.txt
	$(BIN)/python -m pip install --quiet -e ".[dev]" -c constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps resemblyzer -c constraints.txt
	@touch $(STAMP)

run: $(STAMP)         ## start the server on 127.0.0.1:8000, with the sample workspace the first time
	$(BIN)/earshot serve --with-samples --port $(PORT)

test: $(STAMP)        ## run the tests (no network, no GPU, no downloaded weights)
	$(BIN)/python -m pytest -n auto --dist loadfile

test-long: $(STAMP)   ## run the slow tests too, and properties with 2,000 examples each
	EARSHOT_HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n auto --dist loadfile -m "slow or not slow"

lint: $(STAMP)        ## what CI checks: format, style, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)      ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)       ## run the benchmarks that need no outside data (the others take a folder: see bench/)
	@for name in $(BENCHES); do echo "== bench.$$name"; $(BIN)/python -m bench.$$name || exit 1; done

demo-reset: $(STAMP)  ## empty the data folder's workspace and load the samples again
	$(BIN)/earshot demo-reset --yes

docs: $(STAMP)        ## write the pages that are made from the code: settings and the API's description
	$(BIN)/python -m tools.settings_page > docs/settings.md
	$(BIN)/python -m tools.openapi_document > docs/openapi.json

openapi: docs

screenshots: $(STAMP) ## photograph every page of a freshly loaded sample workspace into screenshots/
	$(BIN)/python -m tools.screenshots screenshots

constraints: $(STAMP) ## write the versions now installed into constraints.txt
	@{ sed -n '/^#/p' constraints.txt; \
	   $(BIN)/python -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' | sort -f; } > constraints.new
	@mv constraints.new constraints.txt

clean:                ## remove .venv and what tools left behind; the data folder stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
