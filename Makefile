# `make` alone lists the commands. They all run in .venv, which this file makes and keeps up to date.

SHELL := /bin/sh
# A run starts six processes, and the tests start a hundred. Each compiles every module again if
# Python may not keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help run simulate test test-fast test-calls test-pages lint lint-javascript format bench soak put-back requirements

PY := .venv/bin/python
# This Python makes the environment. If it is empty, the first Python that is new enough does.
PYTHON ?=
# Four processes run tests, each with its own servers, because many tests wait. A file's tests stay
# together, and tests/conftest.py says which files come first.
AT_ONCE ?= -n 4 --dist loadfile --no-loadscope-reorder
# Chromium waits less than the other tests do.
PAGES_AT_ONCE ?= -n 3 --dist loadfile --no-loadscope-reorder
# This command runs the tests. Continuous integration sets tools.rerun_timing here.
PYTEST ?= $(PY) -m pytest
# More arguments for pytest, such as ARGS="-k upload -x"
ARGS ?=

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: .venv/.ready ## Run Phonebank here (PORT=5001 for another port); Ctrl-C stops it
	@exec $(PY) -m phonebank.local.launcher

CALLERS ?= 20
ANSWERS ?= 15
TALK ?= 90
simulate: .venv/.ready ## Simulate evenings of machine calling (CALLERS=20 ANSWERS=15 TALK=90)
	@$(PY) -m phonebank.pacing_simulation --callers $(CALLERS) --answers $(ANSWERS) --talk $(TALK) $(ARGS)

test: .venv/.ready-for-tests ## Run the tests, except those of test-calls and test-pages
	$(PYTEST) -m "not load and not calls and not browser and not pages" $(AT_ONCE) $(ARGS)

test-pages: .venv/.ready-for-tests ## Run the tests in Chromium, see every page at five sizes, light and dark; take the longest walks
	$(PYTEST) -m "(browser or pages) and not calls and not load" $(PAGES_AT_ONCE) $(ARGS)

test-fast: .venv/.ready-for-tests ## Run the tests that need neither a browser nor patience
	$(PYTEST) -m "not load and not calls and not browser and not crash and not slow" $(AT_ONCE) $(ARGS)

# CALLS="calls and load" places as many calls as this machine can.
CALLS ?= calls and not load
test-calls: .venv/.ready-for-tests ## Place real calls through Asterisk (tools/install_asterisk.sh gets it)
	tools/own_network.sh $(PYTEST) -m "$(CALLS)" $(ARGS) tests/calls

lint: .venv/.ready-for-tests ## Check style, types and which part imports which
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	@if command -v npm >/dev/null; then $(MAKE) -s lint-javascript; \
	else echo "JavaScript not checked: no npm on this machine (sudo apt-get install npm)"; fi

lint-javascript: node_modules/.ready
	npx --no-install eslint .

node_modules/.ready: package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

format: .venv/.ready-for-tests ## Format the code
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

bench: .venv/.ready-for-tests ## Measure against the bars in docs/benchmarks.md
	$(PY) -m bench $(ARGS)

soak: .venv/.ready-for-tests ## Call for ten minutes while everything is killed (SOAK_SECONDS=60; TELEPHONE=yes: machine calls)
ifdef TELEPHONE
	$(PYTEST) -m load -s tests/crash/test_telephone_soak.py
else
	@command -v node >/dev/null || { echo "The soak's phones need Node 18 or newer: sudo apt-get install nodejs" >&2; exit 1; }
	$(PY) -m tests.crash.soak
	KILLS=20 $(PY) -m pytest -q -k killed --timeout=3600 tests/phonebank/lists tests/phonebank/privacy tests/phonebank/exports
	$(PY) -m pytest -q -s -m load tests/phonebank/listings tests/phonebank/movement
endif

put-back: .venv/.ready-for-tests ## Put known faults back into the code, one by one: the soak must find each
	$(PY) -m tests.crash.put_back

requirements: .venv/.ready-for-tests ## Compile pyproject.toml and requirements-dev.in into pinned requirements*.txt
	$(COMPILE) --no-build-isolation --build-deps-for editable -o requirements.txt pyproject.toml
	$(COMPILE) -o requirements-dev.txt requirements-dev.in

# pip-compile keeps every version that still satisfies the .in files; ARGS=--upgrade takes new ones.
COMPILE = .venv/bin/pip-compile --quiet --strip-extras --no-header --annotation-style=line \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(ARGS)
PIP_INSTALL = $(PY) -m pip install -qq --disable-pip-version-check

# .ready names the folder in which the environment was made. An environment that was moved, or whose
# Python was removed, does not work, so it is made again.
ifneq ($(shell $(PY) -c 1 2>/dev/null && cat .venv/.ready 2>/dev/null),$(CURDIR))
.venv/.ready: again
endif
.PHONY: again
again:

.venv/.ready: requirements.txt pyproject.toml
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			found=$$python; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Phonebank needs Python 3.11 or newer, and found $$(python3 --version 2>/dev/null || echo none)." >&2; exit 1; \
	elif ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "Phonebank needs Python's venv module: sudo apt-get install python3-venv" >&2; exit 1; \
	elif ! $(PY) -c 'import pip' 2>/dev/null || { [ -e $@ ] && [ "$$(cat $@)" != "$(CURDIR)" ]; }; then \
		echo "Making the Python environment in .venv (a minute or two, once)"; \
		$$found -m venv --clear .venv; \
	fi
	@rm -f $@
	@$(PIP_INSTALL) -r requirements.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $@

.venv/.ready-for-tests: .venv/.ready requirements-dev.txt
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@
