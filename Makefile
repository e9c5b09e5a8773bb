.PHONY: demo demo-stop demo-clean test check bench install

demo:        ## the whole of pg_crm on a private cluster (DATA=retail: on Online Retail)
	@scripts/demo.sh
demo-stop:   ## stop it, keep its data
	@scripts/demo-stop.sh
demo-clean:  ## stop it and remove its data
	@scripts/demo-clean.sh
test:        ## everything
	@scripts/test.sh
check:       ## the fast part: format, lints, unit and property tests
	@scripts/check.sh
bench:       ## measure against plain PostgreSQL, write docs/benchmarks.md (ORDERS=… ROUNDS=… ONLY=…; QUICK=1 for a look)
	@scripts/bench.sh
install:     ## build the extension and install it into this machine's PostgreSQL
	@scripts/install.sh
