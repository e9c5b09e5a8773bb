.PHONY: demo demo-stop demo-clean test test-pg17 test-upgrade check bench install freeze

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
test-upgrade: ## an upgrade rehearsed with data, against what make install installed: builds a next version (minutes)
	@scripts/upgrade/rehearse.sh
check:       ## the fast part: format, lints, unit and property tests
	@scripts/check.sh
bench:       ## measure against plain PostgreSQL, write docs/benchmarks.md (ORDERS=… ROUNDS=… ONLY=…; QUICK=1 for a look)
	@scripts/bench.sh
install:     ## build the extension and install it into this machine's PostgreSQL
	@scripts/install.sh
freeze:      ## keep what this version installs in sql/frozen, and generate the upgrade script that leads to it
	@scripts/freeze.sh
