# Everything a newcomer or CI types. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help
help: ## list every target
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

node_modules/.package-lock.json: package-lock.json
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: test
test: lint unit ## everything but the cluster scenarios: lint, types, unit and integration tests

.PHONY: lint
lint: node_modules/.package-lock.json ## types, ESLint, prettier
	tsc -p .
	tsc -p operator/src/runtime
	eslint --max-warnings 0 .
	prettier --check --log-level warn .

.PHONY: unit
unit: node_modules/.package-lock.json ## unit and integration tests
	node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js

.PHONY: format
format: node_modules/.package-lock.json ## let prettier rewrite what it would complain of
	prettier --write --log-level warn .
