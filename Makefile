# What one types while working on it. `make` alone lists the targets; each prepares .venv by itself.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
# For `make prove`: the seed of everything random, and which part of the proofs to play ("3/10"; empty: all of them).
SEED ?= 1
SHARD ?=

BIN := .venv/bin
READY := .venv/ready

.PHONY: help demo test check bench prove docs

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## Orders played from buying to their end, on a simulated shop on this machine
	@$(BIN)/connector demo --once

test: $(READY) ## The tests that every change must pass (under five minutes)
	@$(BIN)/pytest -n 4 --dist worksteal -m "not live and not prove"

check: $(READY) ## Formatting, lint, types, who imports whom, generated pages
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo 'Some files are not formatted: $(BIN)/ruff format .'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports
	@rm -rf .venv/pages; mkdir .venv/pages; cp docs/*.md .venv/pages/
	@$(BIN)/python -m connector.docs --write .venv/pages
	@for page in .venv/pages/*.md; do diff -u docs/$${page##*/} $$page; done || { echo 'The docs are out of step: make docs'; exit 1; }

bench: $(READY) ## Measure how fast it is
	@$(BIN)/python -m benchmarks

prove: $(READY) ## The long proofs: all kills, all faults (SEED=1 SHARD=3/10)
	@CONNECTOR_PROVE_SEED=$(SEED) CONNECTOR_PROVE_SHARD=$(SHARD) $(BIN)/pytest -n 3 --dist worksteal -m prove --hypothesis-seed=$(SEED)

docs: $(READY) ## Write the pages of docs/ that come from the code
	@$(BIN)/python -m connector.docs --write docs

# Made again whenever the dependencies change.
$(READY): setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "This needs Python 3.11 or newer ($(PYTHON) is older or missing). Name another: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments. Install what is missing (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "Preparing .venv (once, and again when dependencies change) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)
