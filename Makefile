# Transferase. `make help` explains every target.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PORT ?= 8000
TESTS ?= tests
WORKERS ?= auto
BIN := .venv/bin
PY := $(BIN)/python
# Tools that only read the settings must not start a database server.
NO_DATABASE := DATABASE_URL=postgresql://nobody@localhost/none
CATALOGUES := $(wildcard src/transferase/locale/*/LC_MESSAGES/*.po)
SCRIPTS := tools/setup.sh tools/setup.py tools/requirements-uv.lock pyproject.toml

# Where .venv was made: a folder that was moved or copied needs a new one.
ifneq ($(shell cat .venv/place 2>/dev/null),$(CURDIR))
MOVED := moved
endif

##@ Use it

.PHONY: setup
setup: .venv/runtime.stamp $(CATALOGUES:.po=.mo) ## Set up .venv with the locked dependencies (done by all other targets when needed)
	@:

.PHONY: run
run: setup ## Serve your own data at http://127.0.0.1:PORT (PORT=8000)
	@$(BIN)/transferase migrate
	@exec $(BIN)/transferase serve --port $(PORT)

.PHONY: demo
demo: setup ## Load the sample records, match them and serve the platform (PORT=8000)
	@exec $(BIN)/transferase demo --port $(PORT)

##@ Work on it

.PHONY: setup-dev
setup-dev: .venv/dev.stamp $(CATALOGUES:.po=.mo) ## Set up .venv with what tests and checks need
	@:

.PHONY: test
test: setup-dev ## Run the whole test suite, browser tests included (TESTS=path, WORKERS=auto)
	@$(PY) tools/browser.py
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

.PHONY: test-all
test-all: setup-dev ## Like test, on one worker and with the measurements of `make bench`
	@$(PY) tools/browser.py
	@$(PY) -m pytest -n 0 $(TESTS)
	@$(MAKE) bench

.PHONY: fmt
fmt: setup-dev ## Format Python files and order their imports
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --select I --fix --quiet .

.PHONY: i18n
i18n: setup-dev ## Collect the texts of the interface into the catalogues and compile them
	@$(PY) tools/translations.py update
	@$(PY) tools/translations.py compile

.PHONY: docs
docs: setup-dev ## Build the documentation into site/
	@NO_COLOR=1 $(BIN)/zensical build --clean --strict

.PHONY: bench
bench: setup-dev ## Print quality and speed of the engine side by side (fixed seeds)
	@$(PY) -m benchmarks

.PHONY: quality-figures
quality-figures: ## Put the newest run of `make bench` into the package, for the page on quality of new installations
	@newest=$$(ls benchmarks/results/*.json | tail -n 1) && cp "$$newest" src/transferase/engine/ranking/figures/bench.json && echo "$$newest"

.PHONY: mutate
mutate: setup-dev ## Change the engine on purpose and see whether its tests notice (slow; installs mutmut)
	@$(BIN)/uv pip install --quiet --python $(PY) "mutmut>=3.3,<4"
	@$(BIN)/mutmut run

.PHONY: cover
cover: setup-dev ## Measure which lines and branches the tests reach
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term --cov-report=html $(TESTS)

##@ Check it

.PHONY: check
check: setup-dev ## Everything that CI checks: format, lint, types, architecture, translations, docs, tests
	@$(PY) tools/check.py fmt-check lint types arch i18n-check docs test

.PHONY: fmt-check
fmt-check: setup-dev ## Is every file formatted?
	@$(BIN)/ruff format --check .

.PHONY: lint
lint: setup-dev ## Look for faults in Python, templates, dependencies
	@$(BIN)/ruff check .
	@$(BIN)/djlint --lint --quiet src/transferase
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml src
	@$(BIN)/deptry src
	@$(PY) tools/advisories.py

.PHONY: types
types: setup-dev ## Check types (mypy, strict)
	@$(NO_DATABASE) $(BIN)/mypy

.PHONY: arch
arch: setup-dev ## Check which part of the house imports which
	@$(BIN)/lint-imports
	@$(PY) -m pytest -q -n 0 tests/architecture

.PHONY: i18n-check
i18n-check: setup-dev ## Are the Korean and Chinese catalogues complete and up to date?
	@$(PY) tools/translations.py check

##@ Ship it

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: lock
lock: setup-dev ## Resolve the dependencies anew into the lock files (UPGRADE=--upgrade takes the newest)
	@$(BIN)/uv pip compile $(LOCK_OPTIONS) $(UPGRADE) pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile $(LOCK_OPTIONS) $(UPGRADE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	@echo uv | $(BIN)/uv pip compile $(LOCK_OPTIONS) $(UPGRADE) - -o tools/requirements-uv.lock

.PHONY: release
release: check ## Build the package into dist/ after all checks
	@rm -rf dist
	@$(BIN)/uv build --quiet --out-dir dist
	@ls -l dist

.PHONY: clean
clean: ## Remove what tools left behind; keeps .venv and var (your data)
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage .coverage.* site dist mutants .cache
	@find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z0-9-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo

.venv/runtime.stamp: requirements.lock $(SCRIPTS) $(MOVED)
	@sh tools/setup.sh

.venv/dev.stamp: requirements-dev.lock $(SCRIPTS) $(MOVED)
	@sh tools/setup.sh --dev

.PHONY: moved
moved:

%.mo: %.po | .venv/runtime.stamp
	@$(PY) tools/translations.py compile $<
