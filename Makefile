# Needs Python 3.11 or newer and make; everything else is installed into .venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help env env-bench demo test test-sql check docs bench soak clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Modules are compiled when they are first imported: compiling all that is installed takes half a minute.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE
# Tests run on every core; a test that shall be looked at alone: .venv/bin/python -m pytest tests/...
PARALLEL := -n auto --dist loadgroup
SIZES ?= 100k,1m,10m
STORE ?= 1m
INQUIRIES ?= 10k
SECTIONS ?= all
ROUNDS ?= 200

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(VENV)/.with-dev ## Create .venv and install claimsctl with its development tools

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo 'claimsctl needs Python 3.11 or newer: make PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing claimsctl into $(VENV) (a minute the first time)"
	@$(INSTALL) -e .
	@touch $@

# With an extra of pyproject.toml: what only some of the targets need.
$(VENV)/.with-%: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing claimsctl and its $* tools into $(VENV) (a minute or two the first time)"
	@$(INSTALL) -e '.[$*]'
	@touch $@ $(INSTALLED)

env-bench: $(VENV)/.with-dev $(VENV)/.with-bench

demo: $(INSTALLED) ## Check the example claims and show the result
	@CLAIMSCTL_WORKSPACE=.demo $(BIN)/claimsctl process examples/claims.csv

test: $(VENV)/.with-test ## Run all tests
	@$(BIN)/python -m pytest -q $(PARALLEL)

test-sql: $(VENV)/.with-test ## Install the ODBC drivers (ACCEPT_EULA=Y: Microsoft's too) and run the tests of databases
	@$(BIN)/python -m tests.tds.install
	@$(BIN)/python -m pytest -q $(PARALLEL) tests/sql tests/tds

check: $(VENV)/.with-dev ## Everything a change must pass: style, types, layers, packages, tests, generated docs
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

docs: $(VENV)/.with-dev ## Regenerate the generated parts of the documentation
	@$(BIN)/cog -r -P $(DOCS)

bench: $(VENV)/.with-bench ## Measure speed and memory beside other tools (SIZES=100k,1m SECTIONS=speed,rules STORE=10m INQUIRIES=1k)
	@$(BIN)/python -m benchmarks.bench --sizes $(SIZES) --sections $(SECTIONS) --store $(STORE) --inquiries $(INQUIRIES)

soak: $(VENV)/.with-test ## Long versions of the kill and fuzz loops, new random examples (ROUNDS=200)
	@SOAK_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -q tests/soak tests/store/test_kill.py tests/sql/test_killed_loads.py tests/sql/test_mssql_load.py
	@SOAK_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -q $(PARALLEL) -m hypothesis

clean: ## Remove the environment and everything generated
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache claimsctl-out .demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
