# Every target is one line of what it does; `make help` lists them.
PYTHON ?= python3
PORT ?= 6543
DATA ?= var
# Of practice Zoom (tests/peers/zoom), which ends when Lyceum does.
ZOOM_PORT ?= $(shell echo $$(($(PORT) + 1)))
BIN := .venv/bin
SHELL := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Empty is off: hundreds of processes would each compile every module anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test check conformance bench lock install screens guides

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: .venv/.runtime  ## start Lyceum with its demonstration academies and practice Zoom (PORT=, DATA=)
	@$(BIN)/python -m tests.peers.zoom --port $(ZOOM_PORT) --with-parent >/dev/null & \
	LYCEUM_WEB_PORT=$(PORT) LYCEUM_APP_DATA=$(DATA) LYCEUM_ZOOM_LTIPRO_URL=http://practice-zoom.localhost:$(ZOOM_PORT) exec $(BIN)/lyceum run

# One worker more than there are processors: many tests wait for other processes.
test: .venv/.tests  ## run every test: SQLite, PostgreSQL, Redis, Chromium
	@$(BIN)/python -m tests.services install
	@$(BIN)/python -m pytest -n $(or $(WORKERS),$(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")) --dist loadscope --no-loadscope-reorder $(ARGS)

check: .venv/.tests  ## ruff, mypy, import-linter, djlint, alembic check
	@$(BIN)/python -m tests.check

screens: .venv/.tests  ## photograph every page, light and dark, wide and narrow, into var/screens
	@$(BIN)/python -m tests.services install
	@mkdir -p var/screens
	@LYCEUM_TEST_SCREENS=var/screens $(BIN)/python -m pytest -q tests/browser/test_screens.py

guides: .venv/.tests  ## renew docs/admins: pictures, what was counted, what other products call things
	@$(BIN)/python -m tests.services install
	@$(BIN)/python -m tests.guides
	@LYCEUM_TEST_GUIDES=1 $(BIN)/python -m pytest -q tests/browser/test_connect.py tests/browser/test_screens.py tests/browser/test_frame.py

conformance: .venv/.tests  ## conformance cases: GROUPS="T3 AC", FORMAT=json
	@$(BIN)/python -m tests.services install >&2
	@$(BIN)/python -m tests.conformance --groups "$(GROUPS)" --format "$(or $(FORMAT),text)"

bench: .venv/.tests  ## measure: ONLY=path, FORMAT=json
	@$(BIN)/python -m tests.services install >&2
	@$(BIN)/python -m benchmarks --only "$(ONLY)" --format "$(or $(FORMAT),text)"

lock: .venv/.tests  ## renew the hashed locks from pyproject.toml and each requirements.in
	@PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python -m tests.lock

install: .venv/.runtime  ## make .venv and install the locked libraries

.venv/bin/python:
	@echo "making .venv with $$($(PYTHON) --version) …" >&2
	@$(PYTHON) -c 'import sys; sys.exit("Lyceum needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { test "$$(id -u)" = 0 && apt-get -qq update && apt-get -qq install -y python3-venv; } >&2 \
		|| { echo "this Python cannot make environments: install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.runtime: .venv/bin/python requirements.txt pyproject.toml
	@echo "installing the libraries of requirements.txt (about a minute the first time) …" >&2
	@$(BIN)/pip install --progress-bar off --require-hashes -r requirements.txt 2>&1 | { grep --line-buffered -E '^(Collecting|Installing|ERROR)' >&2 || true; }
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation -e . >&2
	@touch $@

.venv/.tests: .venv/.runtime tests/requirements.txt
	@echo "installing the libraries of tests/requirements.txt …" >&2
	@$(BIN)/pip install --quiet --require-hashes -r tests/requirements.txt >&2
	@touch $@
