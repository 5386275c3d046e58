# Everything a newcomer or CI types. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
JEST := node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js

.PHONY: help
help: ## list every target
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-15s %s\n", $$1, $$2}'

node_modules/.package-lock.json: package-lock.json
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: up
up: node_modules/.package-lock.json ## a cluster with the operator, the AuthStack demo and a shop; PORT=8080
	@node cluster/up.ts

.PHONY: down
down: node_modules/.package-lock.json ## undo `make up`; what was built stays in the cache
	@node cluster/down.ts

.PHONY: address
address: node_modules/.package-lock.json ## print the address of the demo
	@node cluster/address.ts

.PHONY: test
test: lint unit ## everything but the cluster's scenarios: lint, types, unit and integration tests

.PHONY: lint
lint: node_modules/.package-lock.json ## types, ESLint, prettier
	tsc -p .
	tsc -p operator/src/runtime
	tsc -p packages/verify
	tsc -p web/page
	tsc -p web/shop
	tsc -p web/sign-in
	eslint --max-warnings 0 .
	prettier --check --log-level warn .

.PHONY: tools
tools: node_modules/.package-lock.json ## what tests run for real: from PATH, else built into the cache
	@node cluster/tools.ts

.PHONY: unit
unit: tools ## unit and integration tests; TEST=operator/src/mongodb for some of them
	$(JEST) $(TEST)

.PHONY: sweep
sweep: tools ## crash the operator after every write, and all kinds of faults; SCENARIO=rotate, SEED=1
	@node --conditions=authstack-source test/sweep/run.ts $(if $(SEED),--seed $(SEED)) $(SCENARIO)

.PHONY: e2e
e2e: up ## the scenarios on the cluster of `make up`; SCENARIO=consent for some of them
	@node --conditions=authstack-source test/e2e/run.ts $(SCENARIO)

.PHONY: e2e-full
e2e-full: up ## all of `make e2e`, and every fault of the database under load; SCENARIO=drained for some of them
	@node --conditions=authstack-source test/e2e/run.ts --full $(SCENARIO)

.PHONY: e2e-list
e2e-list: node_modules/.package-lock.json ## what `make e2e-full` runs and in which order; `make e2e` leaves out the suite full
	@node --conditions=authstack-source test/e2e/run.ts --list --full $(SCENARIO)

.PHONY: bench-operator
bench-operator: tools ## the operator's budgets at 1,000 stacks, into bench/results; QUICK=1 for a few minutes
	@node --conditions=authstack-source bench/operator.ts

.PHONY: bench-failover
bench-failover: up ## what a lost primary, pod or node costs, into bench/results; QUICK=1, EVENT="killed quiet", TIMES=5, MINUTES=10
	@node --conditions=authstack-source bench/failover.ts

.PHONY: bench-auth
bench-auth: tools ## sign-ins, refreshes and a flood, beside Better Auth, into bench/results; QUICK=1 for two minutes
	@node --conditions=authstack-source bench/auth.ts

.PHONY: bench-verify
bench-verify: node_modules/.package-lock.json ## verifying a token beside its peers, CPU time alone, into bench/results; QUICK=1 for a minute
	@node --conditions=authstack-source bench/verify.ts

.PHONY: bench-keys
bench-keys: tools ## ten rotations while services verify, distribution, revocation, the feed, into bench/results; QUICK=1 for two minutes
	@node --conditions=authstack-source bench/keys.ts

.PHONY: generate
generate: node_modules/.package-lock.json ## CRDs, chart templates and references from operator/src/api; the picture
	node --conditions=authstack-source operator/src/generate.ts
	node test/structure/draw.ts

.PHONY: picture
picture: node_modules/.package-lock.json ## the rooms and what they import, into CONTRIBUTING.md; fails where an arrow runs back
	node test/structure/draw.ts

.PHONY: format
format: node_modules/.package-lock.json ## let prettier rewrite what it would complain of
	prettier --write --log-level warn .
