"""schemathesis against the served document until the minutes are over: a seed a round. No 5xx, no answer that is not documented."""

import os, pathlib, re, subprocess, sys, time

minutes, scratch = float(sys.argv[1]), pathlib.Path(sys.argv[2])
end, seed, cases, faults = time.monotonic() + 60 * minutes, 0, 0, 0
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
# Ending one's own key or session would end the run.
LEFT_OUT = ["--exclude-operation-id", "revoke_key", "--exclude-operation-id", "close_session", "--exclude-operation-id", "remove_principal"]
while (left := end - time.monotonic()) > 5:
    seed += 1
    log = scratch / f"schemathesis-{seed}.log"
    with open(log, "w") as out:
        run = subprocess.Popen(["schemathesis", "run", os.environ["CRM_URL"] + "/openapi.json", "-H", f"Authorization: Bearer {os.environ['CRM_KEY']}",
                                "--checks", CHECKS, "--seed", str(seed), "--workers", "2", "--max-examples", "20", "--continue-on-failure",
                                "--request-timeout", "30", "--suppress-health-check", "all", "--no-color", *LEFT_OUT], stdout=out, stderr=subprocess.STDOUT)
        try:
            run.wait(left)
        except subprocess.TimeoutExpired:
            run.terminate()
            run.wait()
    text = log.read_text()
    found = re.findall(r"^- (?:Server error|Undocumented|Response violates|Missing).*", text, re.M)
    cases += sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) generated", text)[-1:])
    if found or (run.returncode not in (0, -15) and "FAILURES" in text):
        faults += max(1, len(found))
        print(text[text.find("FAILURES"):][:20000])
print(f"{seed} rounds in {minutes:g} minutes, {cases:,} cases of finished rounds, {faults} faults")
sys.exit(faults > 0)
