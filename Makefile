# Shoplake: `make` shows this help.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/install

.PHONY: install
install: $(INSTALLED) ## Make the virtual environment .venv with all packages and Spark's jars

.PHONY: demo
demo: $(INSTALLED) ## Start a local lake, load real orders, show the result
	@$(BIN)/shoplake demo

.PHONY: up
up: $(INSTALLED) ## Start the local lake, or deploy to it what has changed
	@$(BIN)/shoplake up

.PHONY: down
down: $(INSTALLED) ## Stop the local lake; its state is kept
	@$(BIN)/shoplake down

.PHONY: tools
tools: ## Get what only the tests of Terraform use: checkov and asl-validator
	@PYTHON="$(PYTHON)" scripts/install-tools

.PHONY: test
test: $(INSTALLED) tools ## Run every test that needs no AWS account, in two processes with a lake each
	@$(BIN)/python -m pytest --numprocesses 2

.PHONY: bench
bench: $(INSTALLED) ## Measure reading by form, a 1 MB file on a warm lake, a burst of 3,000 files, late clicks in a full lake, and the generator
	@$(BIN)/python -m benchmarks.staging
	@$(BIN)/python -m benchmarks.warm_run
	@$(BIN)/python -m benchmarks.burst
	@$(BIN)/python -m benchmarks.clicks
	@$(BIN)/python -m benchmarks.generate

.PHONY: lint
lint: $(INSTALLED) ## Check style and common mistakes
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

.PHONY: format
format: $(INSTALLED) ## Format the code
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

.PHONY: docs
docs: $(INSTALLED) ## Write the data dictionary anew from contracts and tables
	@$(BIN)/python -m shoplake.dictionary

.PHONY: build
build: $(INSTALLED) ## Build what is deployed into build/deploy
	@$(BIN)/python -m deploy.build build/deploy

.PHONY: lock
lock: $(INSTALLED) ## Write anew which Python packages functions and jobs bring along, with their hashes
	@$(BIN)/python -m deploy.packages

.PHONY: plan
plan: $(INSTALLED) ## Show what a deployment to AWS would change: make plan ENV=dev
	@$(BIN)/python -m deploy.main plan "$(ENV)"

.PHONY: deploy
deploy: $(INSTALLED) ## Deploy the lake to AWS and probe it: make deploy ENV=dev (AUTO_APPROVE=1 asks nothing)
	@$(BIN)/python -m deploy.main deploy "$(ENV)"

.PHONY: destroy
destroy: $(INSTALLED) ## Take a deployed lake down: make destroy ENV=dev (EMPTY_BUCKETS=1 also deletes its data)
	@$(BIN)/python -m deploy.main destroy "$(ENV)"

.PHONY: outputs
outputs: $(INSTALLED) ## Show where things are in a deployed lake: make outputs ENV=dev
	@$(BIN)/python -m deploy.main outputs "$(ENV)"

.PHONY: clean
clean: ## Remove the virtual environment and what was built (not the local lake's state)
	@rm -rf $(VENV) .tools build dist *.egg-info
