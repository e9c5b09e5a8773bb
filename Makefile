.PHONY: demo demo-stop demo-clean test test-pg16 test-pg17 test-upgrade check torture soak fuzz bench install freeze torture-http

demo:        ## the whole of pg_crm on a private cluster (DATA=retail: on Online Retail)
	@scripts/demo.sh
demo-stop:   ## stop it, keep its data
	@scripts/demo-stop.sh
demo-clean:  ## stop it and remove its data
	@scripts/demo-clean.sh
test:        ## everything
	@scripts/test.sh
test-pg17:   ## the suite on PostgreSQL 17, in a Debian trixie root that it makes (as root; TESTS="night sweep" for some files)
	@scripts/test-pg17.sh $(TESTS)
test-pg16:   ## the suite on PostgreSQL 16, of packages from npm and PyPI (TESTS="night sweep" for some files)
	@scripts/test-pg16.sh $(TESTS)
test-upgrade: ## an upgrade rehearsed with data, against what make install installed: builds a next version (minutes)
	@scripts/upgrade/rehearse.sh
check:       ## the fast part: format, lints, unit and property tests
	@scripts/check.sh
torture:     ## what takes long: the server killed 200 times under load (KILLS=… SEED=… to repeat a run)
	@scripts/torture.sh
soak:        ## hours of mixed work on a fast clock (SOAK_MINUTES=120 SOAK_DAY_SECONDS=20 SOAK_PAUSE_MS=20)
	@scripts/torture.sh soak
fuzz:        ## each fuzz target for FUZZ_SECONDS (600); what is new comes into fuzz/corpus (ONLY=import,contact)
	@scripts/fuzz.sh
bench:       ## measure against plain PostgreSQL, write docs/benchmarks.md (ORDERS=… ROUNDS=… ONLY=…; QUICK=1 for a look)
	@scripts/bench.sh
torture-http: ## what the HTTP service holds: schemathesis, a crash under load, a crowd, MCP, a large export, speed (20 minutes)
	@scripts/torture-http.sh
install:     ## build the extension and install it into this machine's PostgreSQL
	@scripts/install.sh
freeze:      ## keep what this version installs in sql/frozen, and generate the upgrade script that leads to it
	@scripts/freeze.sh
