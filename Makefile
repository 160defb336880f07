# The two commands of a fresh machine are `make demo` and `make test`; both set up what they need first.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON3 ?= python3
INSTALLER := .build/installer
UV := $(INSTALLER)/bin/uv
UV_INSTALL := $(UV) pip install --quiet --require-hashes --no-deps
UV_VENV := $(UV) venv --quiet --clear --no-config --python $(INSTALLER)/bin/python
VENV := .venv
SAM_VENV := .venv-sam
AUDIT_VENV := .venv-audit
BENCH_VENV := .venv-bench
SITE_VENV := .venv-site
CDK_VENV := .venv-cdk
WHEELS := .build/wheels
DEMO := $(VENV)/demo $(SAM_VENV)/ready $(WHEELS)/ready
ASL_VALIDATOR := .build/asl-validator
CDK := .build/cdk
OLDEST := .build/oldest
INTEROP := .build/interop
JUDGES := ogx litellm localemu deployers jsonata cdk
# Downloads wait for the network, and what they bring is unpacked meanwhile.
AT_ONCE := $(MAKE) --no-print-directory --silent --jobs=3
# Functions start faster from bytecode, wherever it was switched off.
export PYTHONDONTWRITEBYTECODE :=
export SAM_CLI_TELEMETRY := 0
# uv trusts whom the system trusts, as pip does, and asks where pip was told to ask.
export UV_SYSTEM_CERTS ?= 1
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

.PHONY: setup
setup: $(VENV)/ready $(SAM_VENV)/ready $(AUDIT_VENV)/ready $(CDK_VENV)/ready $(WHEELS)/ready $(OLDEST)/ready $(ASL_VALIDATOR)/ready ## Install everything, once

.PHONY: demo
demo: ## Deploy the application and an example stack to an embedded cloud, show it, delete it
	@$(AT_ONCE) $(DEMO)
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m local.demo

.PHONY: test
test: setup ## Check, then run all tests, stage by stage; STAGES="3 4" runs these only
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m local.stages $(STAGES)

.PHONY: compatibility
compatibility: $(VENV)/ready $(OLDEST)/ready ## Run all that meets the SDK with the oldest packages that the layer may have
	@PYTHONPATH=$(OLDEST) $(VENV)/bin/python -m pytest -n 2 tests/compatibility tests/unit tests/lives tests/standin/test_elsewhere.py

.PHONY: check
check: $(VENV)/ready lint unit audit ## Format, lint, spelling, types, import contracts, documentation, unit tests, random lives, audit: two minutes

.PHONY: lint
lint: $(VENV)/ready $(CDK_VENV)/ready
	@$(VENV)/bin/ruff format --quiet --check .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/typos --format brief
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/mypy --no-error-summary --config-file cdk/pyproject.toml --python-executable $(CDK_VENV)/bin/python cdk/threadrun_cdk
	@PYTHONPATH=layers/threadrun $(VENV)/bin/lint-imports >.build/imports.log || { cat .build/imports.log; exit 1; }
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m local.reference --check
	@$(VENV)/bin/python -m testkit.mutants --check >.build/mutants.log || { cat .build/mutants.log; exit 1; }

.PHONY: reference
reference: $(VENV)/ready ## Write docs/resources, the constructs and the Terraform modules from the models
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m local.reference

.PHONY: docs
docs: $(VENV)/ready $(SITE_VENV)/ready ## Write the documentation as a site with search, to .build/site/html
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m local.site
	@NO_MKDOCS_2_WARNING=1 $(SITE_VENV)/bin/mkdocs build --strict --config-file .build/site/mkdocs.yml
	@echo "The site is in .build/site/html/index.html"

.PHONY: unit
unit: $(VENV)/ready $(CDK_VENV)/ready
	@$(VENV)/bin/python -m pytest -q -n 2 tests/unit tests/documentation tests/random_lives

.PHONY: audit
audit: $(VENV)/ready $(AUDIT_VENV)/ready ## Ask for known vulnerabilities of the locked packages, once a day
	@$(VENV)/bin/python -m local.audit

.PHONY: bench
bench: setup $(BENCH_VENV)/ready $(CDK)/ready ## Measure lag and cost beside the CDK's Provider framework and crhelper: 15 minutes
	@PYTHONPATH=layers/threadrun $(BENCH_VENV)/bin/python -m bench $(BENCH)

.PHONY: interop
interop: setup $(JUDGES:%=$(INTEROP)/%/ready) ## Have other people's servers, emulator and tools judge it, and write docs/interop.md: PARTS="servers"
	@POWERTOOLS_LOG_LEVEL=CRITICAL PYTHONPATH=layers/threadrun $(VENV)/bin/python -m testkit.interop $(PARTS)

.PHONY: mutants
mutants: $(VENV)/ready ## Break the product at its decision points and see which test notices: a quarter of an hour where result.md names what killed them before, hours without; goes on where it was stopped; MUTANTS="--survivors"
	@$(VENV)/bin/python -m testkit.mutants $(MUTANTS)

.PHONY: stacks
stacks: setup ## Create and delete a hundred stacks while OpenAI and DynamoDB fail now and then and functions are killed: minutes
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m testkit.stacks

.PHONY: snapshot
snapshot: $(VENV)/ready ## Keep what VERSION=x.y.z leaves behind, for the upgrade tests
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m testkit.upgrade.snapshot $(VERSION)

.PHONY: release-check
release-check: setup ## Check from a clean checkout of its tag, or of HEAD, whether VERSION=x.y.z can be released
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m local.release $(VERSION)

.PHONY: up
up: ## Start the embedded cloud with the application and leave it running
	@$(AT_ONCE) $(DEMO)
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m local.up

.PHONY: runs
runs: $(VENV)/ready ## Show the runs of TABLE=name, and where their time went; HTML=file gets the timeline
	@PYTHONPATH=layers/threadrun $(VENV)/bin/python -m threadrun_cli runs --table "$(TABLE)" $(if $(HTML),--html "$(HTML)")

.PHONY: down
down: ## Stop what `make up` started
	@if [ -x $(VENV)/bin/python ]; then PYTHONPATH=layers/threadrun $(VENV)/bin/python -m local.up --stop; fi

.PHONY: format
format: $(VENV)/ready ## Format the code
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format --quiet .

.PHONY: clean
clean: down ## Remove everything that was built or installed
	rm -rf $(VENV) $(SAM_VENV) $(AUDIT_VENV) $(BENCH_VENV) $(SITE_VENV) $(CDK_VENV) .build .aws-sam

.PHONY: lock
lock: $(VENV)/ready ## Resolve the dependency groups of pyproject.toml again, or GROUPS of them
	@$(VENV)/bin/python -m local.lock $(GROUPS)

$(INSTALLER)/ready: local/requirements-installer.txt
	@mkdir -p .build
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python3 is %d.%d, 3.11 or newer is needed: set PYTHON3=..." % sys.version_info[:2])'
	@echo "Installing uv, which installs the rest"
	@$(PYTHON3) -m venv --clear $(INSTALLER)
	@$(INSTALLER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

$(VENV)/demo: local/requirements-demo.txt $(INSTALLER)/ready
	@echo "Installing the embedded cloud and the stand-in for OpenAI (once)"
	@$(UV_VENV) $(VENV)
	@$(UV_INSTALL) --python $(VENV)/bin/python -r $<
	@touch $@

$(VENV)/ready: local/requirements-dev.txt $(VENV)/demo
	@echo "Installing what tests and checks need (once)"
	@$(UV) pip sync --quiet --require-hashes --python $(VENV)/bin/python $<
	@touch $@

$(SAM_VENV)/ready: local/requirements-sam.txt $(INSTALLER)/ready
	@echo "Installing the AWS SAM CLI (once)"
	@$(UV_VENV) $(SAM_VENV)
	@$(UV_INSTALL) --python $(SAM_VENV)/bin/python -r $<
	@touch $@

$(AUDIT_VENV)/ready: local/requirements-audit.txt $(INSTALLER)/ready
	@echo "Installing checkov and pip-audit (once)"
	@$(UV_VENV) $(AUDIT_VENV)
	@$(UV_INSTALL) --python $(AUDIT_VENV)/bin/python -r $<
	@touch $@

$(BENCH_VENV)/ready: local/requirements-bench.txt $(INSTALLER)/ready
	@echo "Installing what the bench needs beside the development environment (once)"
	@$(UV_VENV) $(BENCH_VENV)
	@$(UV_INSTALL) --python $(BENCH_VENV)/bin/python -r $<
	@touch $@

$(SITE_VENV)/ready: local/requirements-site.txt $(INSTALLER)/ready
	@echo "Installing mkdocs-material (once)"
	@$(PYTHON3) -m venv --clear $(SITE_VENV)
	@$(UV_INSTALL) --python $(SITE_VENV)/bin/python -r $<
	@touch $@

# The first import unpacks the CDK, for all later ones.
$(CDK_VENV)/ready: local/requirements-cdk.txt $(INSTALLER)/ready
	@echo "Installing aws-cdk-lib for Python (once)"
	@$(UV_VENV) $(CDK_VENV)
	@$(UV_INSTALL) --python $(CDK_VENV)/bin/python -r $<
	@rm -rf .build/jsii
	@if command -v node >/dev/null; then JSII_RUNTIME_PACKAGE_CACHE_ROOT=.build/jsii $(CDK_VENV)/bin/python -c "import aws_cdk" 2>/dev/null; \
	else echo "node is not installed: the constructs for the AWS CDK are checked by mypy only"; fi
	@touch $@

$(CDK)/ready: bench/cdk/package-lock.json
	@echo "Installing aws-cdk-lib (once)"
	@mkdir -p $(CDK) && cp bench/cdk/package*.json $(CDK)
	@npm ci --silent --no-audit --no-fund --prefix $(CDK)
	@touch $@

# LocalEmu needs Python 3.13, which may be here beside another one.
JUDGES_PYTHON ?= $(shell for each in python3.13 python3.14 "$$HOME"/.pyenv/versions/3.1[3-9]*/bin/python3 $(PYTHON3); do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null && { echo "$$each"; break; }; done)
$(INTEROP)/%/ready: local/requirements-%.txt $(INSTALLER)/ready
	@echo "Installing $* (once)"
	@$(or $(JUDGES_PYTHON),$(error $* needs Python 3.13 or newer: set JUDGES_PYTHON=...)) -m venv --clear --without-pip $(INTEROP)/$*
	@$(UV_INSTALL) --no-config --python $(INTEROP)/$*/bin/python -r $<
	@touch $@

$(INTEROP)/jsonata/ready: testkit/interop/localemu/package-lock.json
$(INTEROP)/cdk/ready: testkit/interop/deployers/package-lock.json
$(INTEROP)/jsonata/ready $(INTEROP)/cdk/ready:
	@echo "Installing $(notdir $(@D)) (once)"
	@mkdir -p $(@D) && cp $(dir $<)package*.json $(@D)
	@npm ci --silent --no-audit --no-fund --prefix $(@D)
	@touch $@

# What the layer may have at the least, to be put before the development environment as Lambda does with a layer.
$(OLDEST)/ready: local/requirements-oldest.txt $(VENV)/ready
	@rm -rf $(OLDEST)
	@$(UV_INSTALL) --python $(VENV)/bin/python --only-binary :all: --target $(OLDEST) -r $<
	@touch $@

# The wheels of the layer for this machine's Python: building it again needs no network.
$(WHEELS)/ready: layers/threadrun/requirements.txt $(INSTALLER)/ready
	@rm -rf $(WHEELS) && mkdir -p $(WHEELS)
	@$(INSTALLER)/bin/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
		--only-binary :all: --dest $(WHEELS) -r $<
	@touch $@

$(ASL_VALIDATOR)/ready: local/asl-validator/package-lock.json
	@mkdir -p $(ASL_VALIDATOR) && cp local/asl-validator/package*.json $(ASL_VALIDATOR)
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix $(ASL_VALIDATOR); \
	else echo "npm is not installed: the state machine's definition is checked by SAM and the emulator only"; fi
	@touch $@
