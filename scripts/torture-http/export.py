"""A file of 100,000 guests: the service's memory before, and at its most while the file is read, fast and slowly."""

import http.client, json, os, sys, time

host = os.environ["CRM_URL"].removeprefix("http://")
headers = {"Authorization": f"Bearer {os.environ['CRM_KEY']}", "Content-Type": "application/json"}


def memory(field):
    with open(f"/proc/{os.environ['SERVICE_PID']}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) // 1024


def export(pause):
    connection = http.client.HTTPConnection(host, timeout=180)
    started = time.monotonic()
    connection.request("POST", "/v1/exports", json.dumps({}), headers)
    response = connection.getresponse()
    assert response.status == 200, response.read()
    first, lines, size = time.monotonic() - started, 0, 0
    while chunk := response.read(65536):
        lines += chunk.count(b"\n")
        size += len(chunk)
        time.sleep(pause)
    return lines, size, first, time.monotonic() - started


http.client.HTTPConnection(host).request("GET", "/healthz")
before = memory("VmRSS")
for pause in (0, 0.02):
    lines, size, first, took = export(pause)
    print(f"{lines - 1:,} guests, {size / 1e6:.1f} MB in {took:.1f} s (first byte after {first:.1f} s), memory {before} MB before, {memory('VmHWM')} MB at its most")
sys.exit(lines < 100_000 or memory("VmHWM") > before + 20)
