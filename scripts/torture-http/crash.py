"""The database is killed and restarted while guests are captured: nothing acknowledged is lost, the service recovers by itself."""

import http.client, json, os, signal, subprocess, sys, threading, time, uuid

host = os.environ["CRM_URL"].removeprefix("http://")
WRITERS, BEFORE, AFTER = 8, 5, 10
acknowledged, slowest, stopping = [], 0.0, threading.Event()
failures, first_success = {}, []
killed_at = [None]


def capture(connection, phone, key):
    body = json.dumps({"phone": phone, "name": "Torture"})
    headers = {"Authorization": f"Bearer {os.environ['CRM_KEY']}", "Content-Type": "application/json", "Idempotency-Key": key}
    connection.request("POST", "/v1/customers/capture", body, headers)
    response = connection.getresponse()
    response.read()
    return response.status


def writer(number):
    global slowest
    connection, count = http.client.HTTPConnection(host, timeout=30), 0
    while not stopping.is_set():
        phone, key = f"+49171{number:02}{count:06}", str(uuid.uuid4())
        count += 1
        while True:
            asked = time.monotonic()
            status = capture(connection, phone, key)
            slowest = max(slowest, time.monotonic() - asked)
            if status == 200:
                acknowledged.append(phone)
                if killed_at[0] and asked > killed_at[0] and not first_success:
                    first_success.append(time.monotonic())
                break
            failures[status] = failures.get(status, 0) + 1
            if status != 503:
                sys.exit(f"{status} where only 503 may be")
            time.sleep(0.1)


def pg_ctl(*arguments):
    command = [os.environ["PG_BIN"] + "/pg_ctl", "-D", os.environ["PG_DATA"], *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", "env", "-u", "RUST_BACKTRACE", *command]
    return subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


threads = [threading.Thread(target=writer, args=(n,)) for n in range(WRITERS)]
for thread in threads:
    thread.start()
time.sleep(BEFORE)
before = len(acknowledged)
with open(os.environ["PG_DATA"] + "/postmaster.pid") as file:
    os.kill(int(file.readline()), signal.SIGKILL)
killed_at[0] = time.monotonic()
time.sleep(2)
# What it left behind ends by itself; until then it does not start.
patience = time.monotonic() + 120
while not pg_ctl("-w", "-t", "60", "-l", os.environ["PG_DATA"] + "/log", "start"):
    if time.monotonic() > patience:
        print("the database does not start", flush=True)
        os._exit(1)
    time.sleep(0.5)
restarted = time.monotonic()
while not first_success:
    time.sleep(0.05)
time.sleep(AFTER)
stopping.set()
for thread in threads:
    thread.join()
path = f"/tmp/torture-http-{os.getpid()}"
with open(path, "w") as file:
    file.write("CREATE TEMP TABLE acknowledged (phone text);\nCOPY acknowledged FROM STDIN;\n" + "\n".join(acknowledged) + "\n\\.\n"
               "SELECT (SELECT count(*) FROM acknowledged a WHERE NOT EXISTS (SELECT FROM crm.customer c WHERE c.phone_e164 = a.phone)),"
               " (SELECT count(*) FROM (SELECT c.phone_e164 FROM crm.customer c JOIN acknowledged a ON a.phone = c.phone_e164 GROUP BY 1 HAVING count(*) > 1) d);\n")
lost, twice = subprocess.run([os.environ["PG_BIN"] + "/psql", "-XqAt", "-F", " ", "-f", path], capture_output=True, text=True, check=True).stdout.split()
os.unlink(path)
print(f"acknowledged {len(acknowledged)} ({before} before the kill), lost {lost}, twice {twice}; refused meanwhile {failures}; "
      f"first success {first_success[0] - restarted:.2f} s after the database was back; slowest answer {slowest:.1f} s")
sys.exit(lost != "0" or twice != "0" or slowest > 15)
