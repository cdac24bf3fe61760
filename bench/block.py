#!/usr/bin/env python3
"""From the last signature to enforcement, on 1, 8 and 32 edge processes; one hostname among ten million; and what 32
edges that are cut off from their desk show (see cut.py).

    bench/block.py --binary target/bench-release/portcullis --hostmap target/bench-release/examples/hostmap

Each edge carries an open event stream of the customer. The clock starts just before the approver's signature is posted
to the desk, and stops for an edge when that stream is cut there, which an edge does at once when a measure takes
effect. Between the two lie: checking the quorum, writing blobs, entry, tiles and checkpoint to disk with fsync, the
doorbell, each edge's download, its verification, its own fsync, and the cut. All on one machine, so the edges also
compete for its cores. A log takes three decisions within an hour, so every three rounds begin with a new town.
"""
import argparse
import json
import os
import selectors
import socket
import subprocess
import tempfile
import time

import cut
from measure import finish, free_ports, median, row, say, stop
from portcullis import Town

# DESIGN section 13.
GOALS = {"p99": 2000, "lookup": 150, "bytes": 64}
# Bytes per hostname of others' lists, measured once with 1 million names on a machine like this one.
PEERS = {"nginx map": 127, "HAProxy map": 321}
LOOKUPS = {"hit_ns": "listed", "miss_ns": "not listed"}
ROUNDS_PER_TOWN = 3
HOST = "live.first.localhost"


def stream(port):
    """An event stream through an edge, with its first event read."""
    one = socket.create_connection(("127.0.0.1", port), 10)
    one.sendall(f"GET /events HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode())
    one.settimeout(20)
    got = b""
    while b"data:" not in got:
        more = one.recv(65536)
        if not more:
            raise SystemExit(f"no event stream through port {port}: {got!r}")
        got += more
    if not got.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"no event stream through port {port}: {got!r}")
    one.setblocking(False)
    return one


def cut_times(streams, seconds=60):
    """When each stream ended, on the monotonic clock."""
    watch, ended = selectors.DefaultSelector(), {}
    for number, one in enumerate(streams):
        watch.register(one, selectors.EVENT_READ, number)
    end = time.monotonic() + seconds
    while len(ended) < len(streams):
        if time.monotonic() > end:
            raise SystemExit(f"{len(streams) - len(ended)} of {len(streams)} streams were not cut within {seconds} s")
        for key, _ in watch.select(1):
            try:
                more = key.fileobj.recv(65536)
            except ConnectionError:
                more = b""
            # The last chunk of a chunked body is an end as well: nothing of the customer follows.
            if not more or more.endswith(b"0\r\n\r\n"):
                ended[key.data] = time.monotonic()
                watch.unregister(key.fileobj)
    return [ended[number] for number in range(len(streams))]


def post_signature(town, note, line):
    """Posts the last signature over a connection that is open already. Returns when that began and when it was answered."""
    with open(os.path.join(town.home, "people", "clara", "token")) as file:
        token = file.read().strip()
    body = line.encode()
    ask = (f"POST /api/v1/notes/{note}/signatures HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
           f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body
    desk = socket.create_connection(("127.0.0.1", town.base + 1), 10)
    desk.settimeout(60)
    begin = time.monotonic()
    desk.sendall(ask)
    return begin, desk


def rounds(binary, edges, towns):
    """Milliseconds per edge and round, and until the desk answered."""
    figures, answers = [], []
    for number in range(towns):
        with tempfile.TemporaryDirectory(prefix="portcullis-bench-") as folder:
            town, running = Town(binary, folder), []
            try:
                ports = free_ports(2 * edges)
                for index in range(edges):
                    running.append((f"edge-{index}", town.edge(f"edge-{index}", ports[2 * index], ports[2 * index + 1])))
                for name, process in running:
                    town.wait_edge(name, process)
                for turn in range(ROUNDS_PER_TOWN):
                    note = town.propose()
                    line = town.signature(note, "clara")
                    streams = [stream(ports[2 * index]) for index in range(edges)]
                    begin, desk = post_signature(town, note, line)
                    times = [(one - begin) * 1e3 for one in cut_times(streams)]
                    answer = desk.recv(65536).split(b"\r\n", 1)[0].decode()
                    if " 200 " not in answer:
                        raise SystemExit(f"the desk did not publish: {answer}")
                    for one in streams:
                        one.close()
                    figures.append(times)
                    say(f"{edges:2} edges, town {number + 1}/{towns}, round {turn + 1}: first {min(times):.0f} ms, median {median(times):.0f} ms, last {max(times):.0f} ms")
                    town.call("lift", note, "--why", "The benchmark goes on.", "--yes", person="dora")
                    town.call("status", note, "--watch", "--timeout", "60s", person="anna")
            finally:
                for _, process in running:
                    stop(process)
                town.stop()
    return figures


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--binary", required=True)
    ask.add_argument("--hostmap", help="the built example; without it the lookup is left out")
    ask.add_argument("--edges", default="1,8,32")
    ask.add_argument("--towns", type=int, default=3)
    ask.add_argument("--names", type=int, default=10_000_000)
    ask.add_argument("--seed", type=int, help="when which edge is cut off; drawn when left out, and printed")
    ask.add_argument("--name", default="block")
    asked = ask.parse_args()
    rows, details = [], {"towns": asked.towns, "rounds_per_town": ROUNDS_PER_TOWN, "cores": os.cpu_count(), "ms": {}}
    for edges in (int(one) for one in asked.edges.split(",")):
        figures = rounds(os.path.abspath(asked.binary), edges, asked.towns)
        every = [one for times in figures for one in times]
        case = f"approval -> enforced, {edges} edge{'s' if edges > 1 else ''}"
        rows.append(row(case, "p50 ms", percentile(every, 0.50)))
        rows.append(row(case, "p99 ms", percentile(every, 0.99), goal=GOALS["p99"]))
        details["ms"][str(edges)] = [[round(one, 1) for one in times] for times in figures]
    if asked.hostmap:
        say(f"hostname lookup among {asked.names:,} names")
        found = json.loads(subprocess.run([asked.hostmap, str(asked.names)], check=True, capture_output=True, text=True).stdout)
        case = f"hostname among {asked.names:,}"
        for key, words in LOOKUPS.items():
            rows.append(row(case, f"lookup ns, {words}", found[key], found["read_ns"], "one read of as much memory", goal=GOALS["lookup"]))
        for peer, size in PEERS.items():
            rows.append(row(case, "bytes per name", found["bytes_per_name"], size, f"{peer} (1 million)", goal=GOALS["bytes"]))
        details["hostmap"] = found
    cut_rows, details["cut"], bad = cut.run(os.path.abspath(asked.binary), asked.seed)
    finish(asked.name, rows + cut_rows, details)
    cut.judge(bad)


if __name__ == "__main__":
    main()
