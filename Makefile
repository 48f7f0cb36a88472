# Everything a newcomer needs. `make` alone prints the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export UV_SYSTEM_CERTS := 1
# boto3 reads the one, people set the other.
ifneq ($(AWS_REGION),)
export AWS_DEFAULT_REGION ?= $(AWS_REGION)
endif
export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0
export PYTHONPATH := layers/common:.
# The local stack talks to itself on loopback, whatever proxy the company has.
export NO_PROXY := 127.0.0.1,localhost,$(NO_PROXY)
export no_proxy := $(NO_PROXY)

# 3.13 is what Lambda runs; any Python from 3.11 on will do for the tests.
PYTHON := $(shell for p in python3.13 python3.14 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)
UV := .tools/bin/uv
BIN := .venv/bin
STAGE ?= dev
STACK ?= instore-$(STAGE)
ARGS ?=
# Asked before anything is set up or built: what .venv has, or would get.
VENV_PYTHON = $(or $(wildcard $(BIN)/python),$(PYTHON))
STAGES = $(shell sed -n 's/^\[\(.*\)\.deploy\.parameters\]/\1/p' samconfig.toml)

.PHONY: build-dir right-python known-stage help setup demo day test test-fast proofs cover check contract format build invoke deploy configure ledger rehearse capacity bench replay why-window revocation schema pins clean unclaimed

help: ## Print the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# ---------------------------------------------------------------- set-up, done once and when pins change
.tools/done: requirements/tools.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (3.13 is best); found: $$(python3 --version 2>&1)"; exit 1; }
	@rm -rf .tools && "$(PYTHON)" -m venv .tools
	@.tools/bin/pip install -q --disable-pip-version-check --require-hashes -r $< 2> >(grep -v WARNING >&2)
	@touch $@
.venv/done: requirements/dev.txt .tools/done
	@echo "Setting up .venv with $(PYTHON)"
	@$(UV) venv -q --clear --python "$(PYTHON)" .venv
	@$(UV) pip sync -q --compile-bytecode --python .venv/bin/python --require-hashes requirements/dev.txt
	@touch $@
.venv-%/done: requirements/%.txt .tools/done
	@echo "Setting up .venv-$*"
	@$(UV) venv -q --clear --python "$(PYTHON)" .venv-$*
	@$(UV) pip sync -q --python .venv-$*/bin/python --require-hashes $<
	@touch $@
.PRECIOUS: .venv-%/done

setup: .venv/done ## Install what demo and test need into .venv (they do it themselves)

# ---------------------------------------------------------------- daily work
demo: .venv/done ## Both programs and the SMS line, told step by step on local stacks (no account needed)
	@$(BIN)/python -m local.demo $(ARGS)

day: .venv/done | build-dir ## A simulated selling day with faults and kills, checked from the handsets: make day ARGS="--scale 1/1000 --seed 3"
	@$(BIN)/python -m local.day $(ARGS)

# One more than there are cores: some tests wait for a time-out.
WORKERS = $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
POLICIES := tests/template/test_policies.py

test: .venv/done ## All tests, fast ones first; last, that the roles allow what was called and no more
	@kept=$$(mktemp -d) && trap 'rm -rf "$$kept"' EXIT && export INSTORE_PERMISSIONS="$$kept" && \
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile -m "not slow" --ignore=$(POLICIES) tests/unit tests/properties tests/contracts tests/adapters \
		tests/functions tests/interleavings tests/template tests/story && \
	$(BIN)/pytest -q $(POLICIES)

test-fast: .venv/done ## Rules and handlers only: seconds
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadfile tests/unit tests/functions

proofs: .venv/done ## What takes longer than a test may: kills in pairs, all orders, the state machine, whole days
	@INSTORE_EXHAUSTIVE=1 INSTORE_EXAMPLES=150 $(BIN)/pytest -q -n $(WORKERS) --dist loadfile tests/interleavings && \
	INSTORE_EXAMPLES=150 $(BIN)/pytest -q -n $(WORKERS) --dist loadfile -m slow --ignore=$(POLICIES) --ignore=tests/interleavings tests

cover: .venv/done ## Branch coverage of layer and functions, 95 % at least
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadfile --cov --cov-report=term --cov-fail-under=95 --ignore=$(POLICIES) tests

check: .venv/done .venv-sam/done .venv-lint/done | build-dir ## Format, lint, types, arrows, template
	@$(BIN)/ruff format --check -q . && echo "format   ok"
	@$(BIN)/ruff check -q . && echo "lint     ok"
	@$(BIN)/mypy --no-error-summary && echo "types    ok"
	@$(BIN)/lint-imports --no-logo >build/imports.log 2>&1 || { cat build/imports.log; exit 1; }; echo "arrows   ok"
	@.venv-lint/bin/cfn-lint template.yaml && echo "cfn-lint ok"
	@.venv-sam/bin/sam validate --region us-east-1 >/dev/null && echo "sam      ok"

contract: .venv/done | build-dir ## Every request of the Twilio client against Twilio's own OpenAPI document (Node.js 18, npm)
	@$(BIN)/python -m local.contract

format: .venv/done ## Let the formatter and the safe fixes run
	@$(BIN)/ruff format -q . && $(BIN)/ruff check --fix -q .

schema: .venv/done ## Write the generated documents: program schema, OpenAPI
	@$(BIN)/python -m local.configure schema > docs/program.schema.json
	@$(BIN)/python -m local.make_openapi

# ---------------------------------------------------------------- artefacts and stacks
build: .venv-sam/done | build-dir ## sam build, for arm64 (ARCHITECTURE=x86_64 for the other)
	@ARCHITECTURE=$(or $(ARCHITECTURE),arm64) UV="$(CURDIR)/$(UV)" PY="$(CURDIR)/.venv-sam/bin/python" .venv-sam/bin/sam build \
		--parameter-overrides Architecture=$(or $(ARCHITECTURE),arm64) --build-dir .aws-sam/build >build/sam-build.log 2>&1 \
		|| { cat build/sam-build.log; exit 1; }
	@echo "build    ok: $$(ls -d .aws-sam/build/*/ | wc -l) artefacts for $(or $(ARCHITECTURE),arm64), layer $$(du -sm .aws-sam/build/CommonLayer | cut -f1) MiB"

invoke: right-python .venv/done .venv-sam/done .venv-runtime/done ## Build for this machine, run every file of events/ under the real Lambda runtime interface
	@$(MAKE) -s build ARCHITECTURE=$$(uname -m | sed 's/aarch64/arm64/')
	@$(BIN)/python -m local.invoke $(ARGS)

deploy: known-stage .venv-sam/done build ## sam deploy; STAGE=dev or prod (see samconfig.toml)
	@.venv-sam/bin/sam deploy --config-env $(STAGE) $(ARGS)

configure: .venv/done ## Program document: make configure ARGS="apply local/programs/in_store.yaml --stack instore-dev"
	@$(BIN)/python -m local.configure $(or $(ARGS),--help)

replay: .venv/done ## What a changed program would have decided: make replay ARGS="--program changed.yaml --stack instore-dev --day 2026-11-21"
	@$(BIN)/python -m local.replay $(or $(ARGS),--help)

why-window: .venv/done ## Why a customer may (not) be texted now: make why-window ARGS="+13105550123 --store-zone America/New_York --store-state NY"
	@$(BIN)/python -m local.window_report $(or $(ARGS),--help) || [ $$? -eq 1 ] # 1 = later or never: an answer, too

revocation: .venv/done ## How well STOP in plain words is told apart: make revocation ARGS="--misses development"
	@$(BIN)/python -m local.revocation_report $(ARGS)

ledger: .venv/done ## Consent ledgers: make ledger ARGS="verify --stack instore-dev --phone +12125550123"
	@$(BIN)/python -m local.ledger $(or $(ARGS),--help)

unclaimed: .venv/done ## Texts nobody could be given: make unclaimed ARGS="list --stack instore-dev"
	@$(BIN)/python -m local.unclaimed $(or $(ARGS),--help)

rehearse: right-python .venv/done .venv-sam/done .venv-rehearse/done ## A real sam deploy into an AWS emulator, used, updated, deleted
	@$(MAKE) -s build ARCHITECTURE=$$(uname -m | sed 's/aarch64/arm64/')
	@$(BIN)/python -m local.rehearse $(ARGS)

capacity: .venv/done ## Which limit breaks first at a load, and when: ARGS="--scale maximum"; docs/capacity.md
	@$(BIN)/python -m local.capacity $(ARGS)

bench: right-python .venv/done .venv-sam/done .venv-runtime/done ## Measure, and write docs/benchmarks.md (minutes; on a quiet machine)
	@$(MAKE) -s build ARCHITECTURE=$$(uname -m | sed 's/aarch64/arm64/')
	@$(BIN)/python -m local.bench $(ARGS)

pins: .tools/done ## Renew all pins (hashes, no download addresses)
	@for f in layers/common/requirements requirements/dev requirements/sam requirements/lint requirements/rehearse requirements/runtime requirements/tools; do \
		$(UV) pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $$f.in -o $$f.txt || exit 1; done

clean: ## Remove all that was built or installed
	@rm -rf .tools .venv .venv-* .aws-sam build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*


build-dir:
	@mkdir -p build

right-python:
	@found=$$("$(VENV_PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); [ "$$found" = 3.13 ] || { \
		echo "$(MAKECMDGOALS) needs Python 3.13, as Lambda has it; $(if $(wildcard $(BIN)/python),.venv,the newest here) has $$found." \
			"Install Python 3.13 if there is none, then: make clean" >&2; exit 1; }

known-stage:
	@[ -n "$(filter $(STAGE),$(STAGES))" ] || { echo "samconfig.toml has no stage $(STAGE); it has: $(STAGES)" >&2; exit 1; }
