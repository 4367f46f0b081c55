# Needs Python 3.11 or newer and make; everything else is installed into .venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help env env-bench demo test test-sql check docs bench soak clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench
# Tests run on every core; a test that shall be looked at alone: .venv/bin/python -m pytest tests/...
PARALLEL := -n auto --dist loadgroup
SIZES ?= 100k,1m,10m
STORE ?= 1m
INQUIRIES ?= 10k
SECTIONS ?= all
ROUNDS ?= 200

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP) ## Create .venv and install claimsctl with its development tools

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo 'claimsctl needs Python 3.11 or newer: make PYTHON=/path/to/python3.11'; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing claimsctl into $(VENV) (a minute or two the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(BENCH_STAMP): $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	@touch $@

env-bench: $(BENCH_STAMP)

demo: $(STAMP) ## Check the example claims and show the result
	@CLAIMSCTL_WORKSPACE=.demo $(BIN)/claimsctl process examples/claims.csv

test: $(STAMP) ## Run all tests
	@$(BIN)/python -m pytest -q $(PARALLEL)

test-sql: $(STAMP) ## Install the ODBC drivers (ACCEPT_EULA=Y: Microsoft's too) and run the tests of databases
	@$(BIN)/python -m tests.tds.install
	@$(BIN)/python -m pytest -q $(PARALLEL) tests/sql tests/tds

check: $(STAMP) ## Everything a change must pass: style, types, layers, packages, tests, generated docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports
	@$(BIN)/python -m pip check
	@$(BIN)/python -m tests.advisories
	@$(BIN)/python -m pytest -q $(PARALLEL)
	@$(BIN)/cog --check -P $(DOCS)

# Files with generated parts (cog blocks).
DOCS := README.md rules/README.md reference_data/README.md docs/cli.md docs/columns.md docs/pricing.md docs/risk.md docs/rule-language.md docs/sandbox.md docs/security.md docs/settings.md docs/sql.md

docs: $(STAMP) ## Regenerate the generated parts of the documentation
	@$(BIN)/cog -r -P $(DOCS)

bench: $(BENCH_STAMP) ## Measure speed and memory beside other tools (SIZES=100k,1m SECTIONS=speed,rules STORE=10m INQUIRIES=1k)
	@$(BIN)/python -m benchmarks.bench --sizes $(SIZES) --sections $(SECTIONS) --store $(STORE) --inquiries $(INQUIRIES)

soak: $(STAMP) ## Long versions of the kill and fuzz loops, new random examples (ROUNDS=200)
	@SOAK_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -q tests/soak tests/store/test_kill.py tests/sql/test_killed_loads.py tests/sql/test_mssql_load.py
	@SOAK_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -q $(PARALLEL) -m hypothesis

clean: ## Remove the environment and everything generated
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache claimsctl-out .demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
