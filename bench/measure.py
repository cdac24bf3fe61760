"""What the benchmarks share: processes, their CPU time, load generators, rows and tables. Python's standard library only.

CPU per request is user + system time of the proxy's own processes, from /proc/PID/stat, over the requests that the
load generator completed. On a shared machine absolute figures mean nothing; ratios within one round do, so every round
measures every proxy once and a ratio is always made of two figures of the same round.
"""
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

BENCH = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(BENCH, "results")
TICK = os.sysconf("SC_CLK_TCK")
# Debian keeps servers in sbin, which is not on everybody's PATH.
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def free_ports(count):
    """Ports that were free a moment ago; all are held until the last is known, so no two are the same. They lie below
    those that the system gives to connections, or one of ours could take a port before its server does."""
    held, offset = [], random.randrange(10_000)
    for step in range(10_000):
        one = socket.socket()
        try:
            one.bind(("127.0.0.1", 10_000 + (offset + step) % 10_000))
        except OSError:
            one.close()
            continue
        held.append(one)
        if len(held) == count:
            break
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    if len(ports) < count:
        raise SystemExit(f"no {count} free ports")
    return ports


def start(argv, folder, name, cores=None, env=None):
    """Starts a process with its output in FOLDER/NAME.log, on the given cores."""
    pin = ["taskset", "-c", cores] if cores else []
    log = open(os.path.join(folder, name + ".log"), "ab")
    return subprocess.Popen(pin + argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})})


def stop(process):
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_port(port, process, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode}; see its log")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"port {port} did not open")


def family(pid):
    """A process and all below it: nginx works in children."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                for child in file.read().split():
                    found += family(int(child))
    except FileNotFoundError:
        pass
    return found


def cpu_seconds(pid):
    """User and system seconds of a process and all below it."""
    total = 0
    for one in family(pid):
        try:
            with open(f"/proc/{one}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory_mib(pid):
    """Proportional set size, so that shared pages count once."""
    total = 0
    for one in family(pid):
        try:
            with open(f"/proc/{one}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
        except (FileNotFoundError, AttributeError):
            pass
    return total / 1024


def machine_busy():
    """Seconds that all cores together were busy, stolen time left out."""
    with open("/proc/stat") as file:
        values = [int(value) for value in file.readline().split()[1:9]]
    return (sum(values) - values[3] - values[4] - values[7]) / TICK


def wrk(url, seconds, cores, connections=64):
    argv = ["taskset", "-c", cores] if cores else []
    argv += ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", url]
    text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    done = int(re.search(r"(\d+) requests in", text).group(1))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    bad = int(refused.group(1)) if refused else 0
    bad += sum(int(one) for one in errors.groups()) if errors else 0
    if done == 0 or bad > done // 1000:
        raise SystemExit(f"wrk {url}: {done} answers, {bad} of them bad\n{text}")
    return done


def h2load(url, seconds, cores, clients=32, streams=10):
    argv = ["taskset", "-c", cores] if cores else []
    argv += ["h2load", "-t2", f"-c{clients}", f"-m{streams}", "-D", str(seconds), url]
    text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    done, failed = re.search(r"(\d+) succeeded, (\d+) failed", text).groups()
    good = int(re.search(r"status codes: (\d+) 2xx", text).group(1))
    if "Application protocol: h2" not in text or good == 0 or int(failed) > int(done) // 1000:
        raise SystemExit(f"h2load {url}: not h2, or not served\n{text}")
    return int(done)


def measure(process, load, others=()):
    """Runs `load` and returns CPU microseconds per request and how much CPU strangers took meanwhile (in cores)."""
    def known():
        children = os.times()
        return sum(cpu_seconds(one.pid) for one in others) + children.children_user + children.children_system
    machine, ours, rest, clock = machine_busy(), cpu_seconds(process.pid), known(), time.monotonic()
    done = load()
    spent = cpu_seconds(process.pid) - ours
    elapsed = time.monotonic() - clock
    foreign = (machine_busy() - machine - spent - (known() - rest)) / elapsed
    return {"cpu_us": spent / done * 1e6, "rps": done / elapsed, "cores": spent / elapsed, "foreign": foreign,
            "mib": memory_mib(process.pid)}


def row(case, metric, ours, peer=None, peer_name=None, ratio=None, goal=None):
    """One line of a result; lower is better everywhere."""
    if ratio is None and peer:
        ratio = ours / peer
    tidy = lambda value: None if value is None else float(f"{value:.4g}")
    return {"case": case, "metric": metric, "ours": tidy(ours), "peer": tidy(peer), "peer_name": peer_name,
            "ratio": tidy(ratio), "goal": goal}


def finish(name, rows, details):
    """Prints the table and writes bench/results/NAME.json."""
    os.makedirs(RESULTS, exist_ok=True)
    path = os.path.join(RESULTS, name + ".json")
    with open(path, "w") as file:
        json.dump({"rows": rows, "details": details}, file, indent=1)
        file.write("\n")
    heads = ["case", "metric", "ours", "peer", "peer_name", "ratio", "goal"]
    cells = [heads] + [["-" if one[head] is None else str(one[head]) for head in heads] for one in rows]
    width = [max(len(line[i]) for line in cells) for i in range(len(heads))]
    for number, line in enumerate(cells):
        print("| " + " | ".join(cell.ljust(width[i]) for i, cell in enumerate(line)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (one + 2) for one in width) + "|")
    say(f"written: {os.path.relpath(path)}")


def versions(*commands):
    """First line of what each command says about itself."""
    found = {}
    for argv in commands:
        if shutil.which(argv[0]):
            done = subprocess.run(argv, capture_output=True, text=True)
            found[argv[0]] = (done.stdout + done.stderr).strip().splitlines()[0]
    return found


def median(values):
    return statistics.median(values)
