# Two commands for a newcomer: `make demo` and `make test`. Each sets up what it needs; the second time is quick.

PY ?= /usr/bin/python3
SHELL := /bin/sh
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

PACKAGES := appliance hub sync kiosk_ui pad_viewer hardware images provisioning
TYPED := $(foreach name,$(PACKAGES),$(if $(wildcard $(name)/__init__.py),-p $(name)))
# Most of a test's time is waiting for real peers: two at a time, a file's tests together and in their order.
TWO := -n 2 --dist loadfile
# The order a failure is wanted in: cheap and plain first, a browser last.
SUITES := $(wildcard $(addprefix tests/,architecture unit properties simulation adapters golden acceptance e2e browser))

# Of the full counts of a soak.
SHARE ?= 1

BENCHES := scan sync lone wire herd backlog bootstrap hub-scale decode

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench tour rows reference soak image-test lock format

help:
	@echo "make demo    set up and start a hub, three appliances and their devices; prints the address"
	@echo "make test    set up, check and run every test"
	@echo "make check   format, lint, types, import contracts"
	@echo "make bench   every benchmark with its baseline"
	@echo "make tour    screenshots into docs/tour"
	@echo "make rows    docs/generated/rows.md from the tests' marks"
	@echo "make reference  docs/reference from what the program says"
	@echo "make soak    the long counts: days; SHARE=0.01 tries all of it with a hundredth of them"
	@echo "make image-test  what needs a real kernel with devices of its own: a machine in QEMU"
	@echo "make lock    requirements.lock from pyproject.toml"

# --- set-up -------------------------------------------------------------------------------------

setup: system .stamps/app .stamps/assets

.PHONY: system
system: | .stamps
	@.ci/apt.sh

.stamps:
	@mkdir -p $@

.stamps/venv: requirements-build.lock | .stamps system
	@echo "Making the virtual environment"
	@test -x $(BIN)/python || $(PY) -m venv .venv
	@$(PIP) install -qq --require-hashes -r requirements-build.lock
	@touch $@

.stamps/libraries: requirements.lock .stamps/venv
	@echo "Installing the locked libraries (a minute the first time)"
	@$(PIP) install -qq --require-hashes --no-build-isolation -r requirements.lock
	@touch $@

.stamps/app: pyproject.toml .stamps/libraries
	@$(PIP) install -qq --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@touch $@

ifneq ($(wildcard package-lock.json),)
.stamps/assets: package.json package-lock.json $(wildcard .npmrc kiosk_ui/kit/assets.py) | .stamps/app
	@echo "Fetching the page assets"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@$(BIN)/python -m kiosk_ui.kit.assets
	@touch $@
else
.stamps/assets: | .stamps
endif

image-test: setup
	@.ci/apt.sh .ci/packages-image.txt
	@WAYSTATION_IMAGE=1 $(BIN)/python -m pytest -rP tests/image $(ARGS)

lock:
	@echo setuptools | $(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 \
		-o requirements-build.lock -
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--extra dev -o requirements.lock pyproject.toml

# --- work ---------------------------------------------------------------------------------------

demo: setup
	@exec $(BIN)/waystation demo $(ARGS)

check: setup
	@$(BIN)/ruff format --check --quiet --output-format concise .
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/mypy --no-error-summary $(TYPED)
	@$(BIN)/lint-imports >.stamps/imports.log || { cat .stamps/imports.log; exit 1; }
	@echo "check: format, lint, types and imports are fine"

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: setup check
	@exec $(BIN)/python -m pytest $(TWO) $(SUITES) $(ARGS)

bench: setup
	@for name in $(BENCHES); do $(BIN)/waystation bench $$name --json || exit 1; done

tour: setup
	@WAYSTATION_TOUR=write $(BIN)/python -m pytest tests/browser $(ARGS)

rows: setup
	@$(BIN)/python docs/rows.py

reference: setup
	@$(BIN)/python docs/reference.py --commands

soak: setup
	@WAYSTATION_SOAK=$(SHARE) $(BIN)/python -m pytest $(SUITES) $(ARGS)
