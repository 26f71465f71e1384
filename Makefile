# What a newcomer needs: make demo, make test. CI runs the same words (.ci/run).
#
# Everything is installed into .venv, with the versions of requirements.lock. A finished step leaves a stamp file that
# holds its seconds; it runs again only when pyproject.toml or the lock changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -c requirements.lock
EXTRAS := dev,bench,datasets,caffe,serve,client,targets
# Debian packages that tests need installed (by apt-get, only as root). What demo and tests merely read, they fetch and
# unpack themselves.
DEBIAN_PACKAGES := chromium fonts-dejavu-core postgresql openssh-server iproute2 slurm-wlm munge slurm-wlm-torque
SOURCES := src tests benchmarks tools
GROUPS :=
NAME := detector

.DEFAULT_GOAL := help
.PHONY: help demo serve example test check format bench wheel reference lock clean

help: ## Show this list.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

demo: $(VENV)/base.done ## Calibrate a real network on real pictures, and compare INT8 with FP32.
	$(BIN)/calibench demo

serve: $(VENV)/serve.done ## The Workbench in the browser: open the link that it prints.
	$(BIN)/calibench serve

example: $(VENV)/tests.done ## A real network with datasets to try: NAME=detector, segmentation, ocr, text, classifier, breeds, caffe.
	@$(BIN)/python -m benchmarks.example $(NAME) example/$(NAME)

test: $(VENV)/tests.done ## Run all tests; GROUPS=unit runs one group.
	@$(BIN)/python tools/run_tests.py $(GROUPS)

check: $(VENV)/tests.done ## Style, types and the order of imports.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/tests.done ## Put the sources into the style that `make check` demands.
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(VENV)/tests.done ## Measure Calibench beside NNCF on the networks of the zoo; takes long.
	$(BIN)/python -m benchmarks.default_ptq
	$(BIN)/python -m benchmarks.tasks
	$(BIN)/python -m benchmarks.misconfigurations
	$(BIN)/python -m benchmarks.accuracy_aware
	$(BIN)/python -m benchmarks.search_cost
	$(BIN)/python -m benchmarks.interval_coverage
	$(BIN)/python -m benchmarks.caffe_calibrator
	$(BIN)/python -m benchmarks.workbench

wheel: $(VENV)/tests.done ## Build the wheel into dist/.
	$(BIN)/python -m build --wheel

reference: $(VENV)/tests.done ## Write what docs/reference says of commands, settings and report anew from the code.
	$(BIN)/python -m tools.write_reference

lock: ## Resolve pyproject.toml anew into requirements.lock; needs uv.
	uv pip compile pyproject.toml --universal --python-version 3.11 --no-header --no-annotate --quiet --upgrade \
		$(foreach extra,datasets serve client targets caffe bench dev,--extra $(extra)) --output-file requirements.lock

clean: ## Remove everything that was made, the environment and fetched packages included.
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist demo example out
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/base.done: pyproject.toml requirements.lock tools/make_environment.py
	@echo "Setting up $(VENV) ..."
	@start=$$(date +%s); \
	$(PYTHON) tools/make_environment.py $(VENV) && $(INSTALL) -e . && echo $$(($$(date +%s) - start)) > $@

$(VENV)/serve.done: $(VENV)/base.done
	@echo "Setting up what the Workbench needs ..."
	@start=$$(date +%s); $(INSTALL) -e '.[serve,datasets,caffe]' && echo $$(($$(date +%s) - start)) > $@

$(VENV)/tests.done: $(VENV)/base.done Makefile
	@echo "Setting up what tests and checks need ..."
	@start=$$(date +%s); \
	PACKAGES="$(strip $(DEBIAN_PACKAGES))" sh tools/install_debian.sh && $(INSTALL) -e '.[$(EXTRAS)]' && \
	echo $$(($$(date +%s) - start)) > $@
