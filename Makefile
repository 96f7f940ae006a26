# Everything starts here, and needs only make and a Python from 3.11 on (with venv). What is installed once is remembered by
# stamps inside .venv; a target does again only what a changed lock or source asks for.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install run dev test test-pg fuzz bench bench-growth check chromium lock clean

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PY := .venv/bin/python
UV := .venv/bin/uv pip install --python $(PY)
BIN := $(CURDIR)/.venv/bin
NODE_PATH := PATH="$(BIN):$$PATH"
# Two workers; who is done first takes over what waits for the other.
PYTEST := .venv/bin/pytest -n 2 --dist worksteal

# Scripts in .venv hold its path, so a moved folder needs a new one: the stamps carry the path's checksum.
STAMPS := .venv/.stamps-$(shell pwd | cksum | cut -d ' ' -f 1)
$(shell test -x $(PY) || rm -rf .venv/.stamps-*)

NODE_MODULES := web/node_modules/.package-lock.json
ASSETS := src/kalends/pages/static/app.css
WEB_SOURCES := web/build.mjs web/tsconfig.json $(shell find web/src -type f)

help:
	@echo "make run      start kalends (installs what it needs first)"
	@echo "make test     make check, then all tests"
	@echo "make check    linters, types, import directions, schema"
	@echo "make dev      start kalends, and again after each change"
	@echo "make test-pg  all tests on Debian's PostgreSQL 15"
	@echo "make fuzz     generated requests over the whole API and lives of bookings, for some minutes"
	@echo "make bench    measure the engine and the server into bench/RESULTS.md; under ten minutes, on a quiet machine"
	@echo "make bench-growth  the same work with ten times the rows; building them takes minutes"
	@echo "make install  the environment and the assets, nothing started"
	@echo "make lock     write the requirement locks again (UPGRADE=--upgrade for newer versions)"
	@echo "make clean    remove what was installed and built; the data stays"

install: $(STAMPS)/packages $(ASSETS)

run: install
	@exec .venv/bin/kalends serve --first-run

dev: install
	@KALENDS_LOG_FORMAT=$${KALENDS_LOG_FORMAT:-console} exec .venv/bin/kalends serve --first-run --reload

test: chromium check
	@echo "==> Tests"
	@$(PYTEST)

test-pg: chromium $(STAMPS)/dev $(ASSETS)
	@.ci/with-postgresql-15 $(PYTEST)

# Some minutes of generated requests over the whole OpenAPI document, and of lives of bookings; `make test` has a small
# helping of both.
fuzz: $(STAMPS)/dev $(ASSETS)
	@KALENDS_FUZZ_EXAMPLES=$${KALENDS_FUZZ_EXAMPLES:-150} KALENDS_LIFE_EXAMPLES=$${KALENDS_LIFE_EXAMPLES:-150} \
	  $(PYTEST) tests/contract/test_schemathesis.py tests/life

# Figures need the machine for themselves. bench-growth builds 5 million appointments first, which takes some ten minutes.
bench: install
	@$(PY) -m bench

bench-growth: install
	@$(PY) -m bench.growth

check: $(STAMPS)/dev $(ASSETS)
	@echo "==> Checks"
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/kalends schema --check docs/schema.sql
	@cd web && $(NODE_PATH) npm run --silent check

chromium:
	@command -v chromium >/dev/null || if [ "$$(id -u)" = 0 ]; then \
	  echo "==> Chromium" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "The tests need Chromium: sudo apt-get install -y chromium" >&2; exit 1; fi

$(STAMPS)/venv: requirements-uv.lock
	@test -n "$(PYTHON)" || { echo "kalends needs Python 3.11 or newer with venv: sudo apt-get install -y python3-venv" >&2; exit 1; }
	@echo "==> Python environment in .venv"
	@{ grep -qsF "$(CURDIR)/.venv" .venv/bin/activate && $(PY) -c ''; } || "$(PYTHON)" -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/packages: $(STAMPS)/venv requirements.lock pyproject.toml
	@echo "==> Packages"
	@$(UV) --require-hashes -r requirements.lock
	@$(UV) --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/packages requirements-dev.lock
	@echo "==> Packages for development"
	@$(UV) --require-hashes -r requirements-dev.lock
	@touch $@

# The machine's Node where it has one from 20 on, else the one that comes as a Python package.
$(STAMPS)/node: $(STAMPS)/venv requirements-node.lock
	@command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null || \
	  { echo "==> Node" && $(UV) --require-hashes -r requirements-node.lock; }
	@touch $@

$(NODE_MODULES): $(STAMPS)/node web/package.json web/package-lock.json
	@echo "==> Web packages"
	@cd web && $(NODE_PATH) npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

$(ASSETS): $(NODE_MODULES) $(WEB_SOURCES)
	@echo "==> Assets"
	@$(NODE_PATH) node web/build.mjs
	@touch $@

COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE)

lock: $(STAMPS)/venv
	@$(COMPILE) pyproject.toml --group build -o requirements.lock
	@$(COMPILE) pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
	@$(COMPILE) --group node -o requirements-node.lock
	@echo uv | $(COMPILE) - -o requirements-uv.lock

clean:
	rm -rf .venv web/node_modules src/kalends/pages/static dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
