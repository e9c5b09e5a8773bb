"""1,000 connections at once: each is answered or refused with 503, none hangs."""

import asyncio, collections, os, resource, sys, time

host, port = os.environ["CRM_URL"].removeprefix("http://").split(":")
CONNECTIONS, REQUESTS = 1000, 5


async def visit(together):
    """Statuses of some requests over one connection, and the slowest answer."""
    reader, writer = await asyncio.open_connection(host, int(port))
    await together.wait()
    statuses, slowest = [], 0.0
    for _ in range(REQUESTS):
        asked = time.monotonic()
        writer.write(f"GET /v1/customers?limit=20 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {os.environ['CRM_KEY']}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(next(line.split(":")[1] for line in head.lower().split("\r\n") if line.startswith("content-length")))
        await reader.readexactly(length)
        statuses.append(int(head.split()[1]))
        if statuses[-1] == 503 and "retry-after" not in head.lower():
            statuses[-1] = "503 without Retry-After"
        slowest = max(slowest, time.monotonic() - asked)
    writer.close()
    return statuses, slowest


async def main():
    together = asyncio.Event()
    visits = [asyncio.create_task(visit(together)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(3)
    together.set()
    started = time.monotonic()
    done, hung = await asyncio.wait(visits, timeout=60)
    took = time.monotonic() - started
    broken = [task.exception() for task in done if task.exception()]
    answers = [task.result() for task in done if not task.exception()]
    statuses = collections.Counter(status for given, _ in answers for status in given)
    slowest = max(slowest for _, slowest in answers)
    print(f"{CONNECTIONS} connections, {sum(statuses.values())} answers in {took:.1f} s: {dict(statuses)}; "
          f"hung {len(hung)}, broken {len(broken)}, slowest {slowest:.1f} s")
    return bool(hung or broken or set(statuses) - {200, 503})


resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
sys.exit(asyncio.run(main()))
