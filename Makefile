# Two commands for a newcomer: `make demo` and `make test`. Everything else builds on them.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo demo-stop test check bench bench-quality bench-degradation lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

install: $(STAMP) ## Make the environment in .venv

demo: $(STAMP) ## Several nights of the schedule on real series, in under three minutes
	$(BIN)/ml-health demo $(ARGS)

demo-stop: $(STAMP) ## Stop the demo's database (its data stay in .demo)
	$(BIN)/ml-health demo --stop

check: $(STAMP) ## Style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: check ## Everything CI runs: checks, then all tests with coverage
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

bench: $(STAMP) ## Speed, side by side with named peers in one run
	$(BIN)/python -m benchmarks.speed

bench-quality: $(STAMP) ## Detectors and rivals on labelled telemetry: ARGS="--data DIR --only NAME"
	$(BIN)/python -m benchmarks.quality $(ARGS)

bench-degradation: $(STAMP) ## What the drift test finds, on labelled telemetry and on a simulated fleet
	nice -n 10 $(BIN)/python -m benchmarks.quality.degradation $(ARGS)
	nice -n 10 $(BIN)/python -m benchmarks.quality.fleet_drift
	$(BIN)/python -m benchmarks.quality.degradation_plot

bench-gate: $(STAMP) ## Which healthy and which faulty weeks the gate lets through, on labelled telemetry
	nice -n 10 $(BIN)/python -m benchmarks.quality.gate $(ARGS)

bench-devices: $(STAMP) ## How often the machine, a sensor or nobody is blamed, on labelled telemetry and simulated devices
	nice -n 10 $(BIN)/python -m benchmarks.quality.devices $(ARGS)

bench-grafana: $(STAMP) ## Every query of dashboards and alerts on 2,000 series and 5 million anomalies
	nice -n 10 $(BIN)/python -m benchmarks.dashboards $(ARGS)

pictures: demo browser-packages ## Pictures of the dashboards in docs/images, from the demo's data, in Chromium
	$(BIN)/python -m tests.browser.pictures $(ARGS)

browser-packages: tests/browser/node_modules/.package-lock.json ## Grafana's own types and components, for tests and pictures

tests/browser/node_modules/.package-lock.json: tests/browser/package-lock.json
	npm ci --prefix tests/browser --no-audit --no-fund --silent --ignore-scripts
	@touch $@

lock: ## Write requirements.lock anew from a fresh environment
	rm -rf .cache/lock && $(PYTHON) -m venv .cache/lock
	.cache/lock/bin/pip install --quiet --disable-pip-version-check ".[bench,demo,dev]"
	.cache/lock/bin/pip freeze --exclude iiot-ml-health | grep '==' > requirements.lock

clean: ## Remove what was built
	rm -rf .venv .cache build dist *.egg-info .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
