"""Portcullis under a benchmark: a demonstration town, edges that join it, and an approver whose last signature is timed."""
import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import tomllib

from measure import start, stop, write

PEOPLE = ("anna", "ben", "clara", "dora")


def base_port():
    """Eight ports in a row that are free, as `init --demo --port-base` takes them."""
    for base in range(21000, 31000, 8):
        held = []
        try:
            for port in range(base, base + 8):
                one = socket.socket()
                held.append(one)
                one.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise SystemExit("no eight free ports in a row")


class Town:
    """Desk, press, relay and demonstration origins in one process, pinned to `cores`."""

    def __init__(self, binary, folder, cores=None):
        self.binary, self.folder = binary, folder
        self.home = os.path.join(folder, "town")
        self.base = base_port()
        self.call("init", "--demo", "--port-base", str(self.base), "--dir", self.home, home=False)
        with open(os.path.join(self.home, "portcullis.toml"), "rb") as file:
            self.config = tomllib.load(file)
        self.open(cores)

    def open(self, cores=None):
        self.process = start([self.binary, "--home", self.home, "run", "--demo"], self.folder, "town", cores)
        ready(self.process, os.path.join(self.folder, "town.log"))

    def call(self, *args, person=None, home=True):
        argv = [self.binary] + (["--home", self.home] if home else []) + (["--as", person] if person else []) + list(args)
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def stop(self):
        stop(self.process)

    def edge(self, name, http, https, sites=None, workers=1, cores=None, unlimited=False, other=None):
        """A joined edge process; not waited for. `other` are more settings of it."""
        folder = os.path.join(self.folder, name)
        config = os.path.join(folder, "edge.toml")
        if not os.path.exists(folder):
            os.mkdir(folder)
            key = os.path.join(folder, "edge.key")
            self.call("edges", "enrol", self.call("key", "new", key, "--name", name), person="anna")
            edge = dict(self.config["edge"], key=key, dir=os.path.join(folder, "state"), trust=os.path.join(self.home, "trust"),
                        sites=sites or os.path.join(self.home, "sites.toml"), workers=workers,
                        listen=[f"127.0.0.1:{http}"], listen_tls=[f"127.0.0.1:{https}"])
            # Nobody reads its figures here, and the first edge has that port.
            edge.pop("metrics", None)
            if unlimited:
                # All load comes from one address; the peers have no such limits either.
                edge.update(rate=100_000_000, burst=100_000_000, connections_per_source=100_000)
            edge.update(other or {})
            write(folder, "edge.toml", toml("operator", self.config["operator"]) + toml("edge", edge))
        # The readiness line of an earlier start must not be taken for this one's.
        log = os.path.join(self.folder, name + ".log")
        if os.path.exists(log):
            os.remove(log)
        return start([self.binary, "edge", "--demo", "--config", config], self.folder, name, cores)

    def wait_edge(self, name, process):
        ready(process, os.path.join(self.folder, name + ".log"))

    def propose(self):
        """Finding by two, proposal by one; the id of the impose note, which lacks one signature."""
        home = self.home
        out = os.path.join(self.folder, "finding")
        shutil.rmtree(out, ignore_errors=True)
        case = self.call("case", "open", "Calls to gather at a home", "--customer", "first-customer", person="anna")
        for file, source in (("capture.txt", "captured"), ("archive.txt", "archive")):
            self.call("case", "attach", case, f"{home}/{file}", "--source", source, "--from", source, "--what", "The call.", person="anna")
        self.call("case", "refer", case, "--to", "aut-police", "--country", "SE", "--channel", "phone", "--answer-by", "4h",
                  "--told", "What was found.", person="anna")
        self.call("case", "answer", case, "1", "cannot-in-time", "--from", "the duty officer", "--what", "Three days.", person="anna")
        self.call("finding", "draft", "first-customer", "--case", case, "--criteria", f"{home}/criteria.txt", "--out", out, person="anna")
        finding = self.call("finding", "sign", out, "--yes", person="anna")
        self.call("finding", "sign", finding, "--yes", person="ben")
        return self.call("propose", "emergency", "first-customer", "--finding", finding, "--post", f"{home}/reasons.md",
                         "--limiting", "About one emergency, and no precedent.", "--yes", person="ben")

    def signature(self, note, person):
        """The signature line that `portcullis approve` would send, made by ssh-keygen."""
        folder = os.path.join(self.home, "people", person)
        text = self.api("GET", f"/notes/{note}")["text"]
        path = write(self.folder, "text", text)
        sig = path + ".sig"
        if os.path.exists(sig):
            os.remove(sig)
        subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", f"{folder}/key", "-n", "portcullis-note/v1", path],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True)
        with open(sig) as file:
            blob = base64.b64decode("".join(file.read().splitlines()[1:-1]))
        with open(f"{folder}/key.pub") as file:
            public = base64.b64decode(file.read().split()[1])
        name = f"demo:{person}"
        # Key id of a signed note: SHA-256(name, newline, type, key), first four bytes.
        kind = b"\xff" + b"portcullis.sshsig/v1\0" + public
        key = hashlib.sha256(name.encode() + b"\n" + kind).digest()[:4]
        return f"\u2014 {name} {base64.b64encode(key + blob).decode()}"

    def api(self, method, path, body=None, person="clara"):
        with open(os.path.join(self.home, "people", person, "token")) as file:
            token = file.read().strip()
        argv = ["curl", "-sS", "--fail-with-body", "-X", method, "-H", f"Authorization: Bearer {token}",
                f"http://127.0.0.1:{self.base + 1}/api/v1{path}"]
        if body is not None:
            argv += ["-H", "Content-Type: text/plain; charset=utf-8", "--data-binary", body]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{method} {path}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)


def ready(process, log, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.path.exists(log):
            with open(log) as file:
                if "portcullis ready" in file.read():
                    return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise SystemExit(f"not ready: see {log}:\n{open(log).read()[-2000:]}")


def toml(table, values):
    """Strings, numbers and lists of strings are all the configuration has; JSON writes them as TOML does."""
    return f"[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
