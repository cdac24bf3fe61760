#!/usr/bin/env python3
"""Do independent witnesses cosign our log, and do we witness theirs?

Wants: our binary (first argument), siglog's program `siglog` on the PATH (cargo install siglog), and the PyPI package
witness-log. `make oracle-witness` says what is missing. Prints one line a check; ends with 1 if one fails. Nothing of
this is linked or shipped: these are other people's readings of C2SP tlog-witness. siglog 0.1.0 brings a witness too, but
it answers with a plain signature (type 0x01) instead of cosignature/v1, so it is no witness for anybody's policy.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

OURS = Path(sys.argv[1]).resolve()
FOLDER = Path(tempfile.mkdtemp(prefix="portcullis-oracle-"))
PORT = 21_000 + os.getpid() % 4000
children = []
failed = 0


def check(what, good, more=""):
    global failed
    failed += not good
    print(("ok  " if good else "BAD ") + what + (f": {more}" if more and not good else ""), flush=True)


def start(*command, ready=None):
    out = open(FOLDER / f"out-{len(children)}", "w+")
    child = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.STDOUT, cwd=FOLDER)
    children.append(child)
    deadline = time.time() + 60
    while ready and ready not in Path(out.name).read_text():
        if child.poll() is not None or time.time() > deadline:
            sys.exit(f"{command[0]} did not start:\n{Path(out.name).read_text()}")
        time.sleep(0.05)
    return child


def ours(*args, home=None):
    command = [str(OURS), *(["--home", str(home)] if home else []), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout.strip()


def fetch(url, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()
    except OSError as e:
        return 0, str(e).encode()


def eventually(look):
    deadline = time.time() + 60
    while time.time() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    return None


class Python(BaseHTTPRequestHandler):
    """witness-log's service behind the smallest server there is."""

    service = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status, kind, answer = Python.service.handle_add_checkpoint_http(body.decode())
        answer = answer if isinstance(answer, bytes) else answer.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def their_witnesses_cosign_ours():
    import witness_log

    port = PORT + 20
    seed = os.urandom(32)
    state = str(FOLDER / "witness-state.json")
    # The state must exist before: a witness that starts without one could have forgotten.
    witness_log.WitnessService.create_state(state)
    Python.service = witness_log.WitnessService.new("demo:python-witness", seed, state)
    python_vkey = Python.service.vkey()
    home = FOLDER / "home"
    ours("init", "--demo", "--dir", home, "--port-base", PORT, "--witness",
         f"http://127.0.0.1:{port},{python_vkey}")
    log = (home / "trust").read_text().split()[2]
    origin = log.split("+")[0]
    Python.service.add_log(origin, log)
    server = HTTPServer(("127.0.0.1", port), Python)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    start(OURS, "--home", home, "run", "--demo", ready="portcullis ready")
    for case in ["cas-one", "cas-two"]:
        ours("--as", "anna", "refuse", case, "--class", "emergency", "--asked-by", "reporter", "--why", "No.",
             "--yes", home=home)
    said = ours("verify", f"http://127.0.0.1:{PORT + 2}/ledger", home=home)
    check("witness-log's service cosigns our log as it grows", "verified: witnessed by demo:python-witness" in said, said)
    follows = eventually(lambda: b"portcullis_ledger_size 3" in fetch(f"http://127.0.0.1:{PORT + 7}/metrics")[1])
    check("and our edge, which wants it, follows", follows)


def we_cosign_theirs():
    import witness_log

    key = FOLDER / "ours.key"
    ours("key", "new", key, "--for", "witness", "--name", "witness.example")
    siglog_key = FOLDER / "siglog.key"
    siglog_vkey = ours("key", "new", siglog_key, "--for", "log", "--name", "example.com/siglog")
    python = witness_log.WitnessLog.generate()
    python_vkey = python.c2sp_vkey(python.canonical_origin())
    port = PORT + 30
    config = FOLDER / "witness.toml"
    logs = json.dumps([siglog_vkey, python_vkey])
    config.write_text(f'[witness]\nlisten = "127.0.0.1:{port}"\nkey = "ours.key"\nlogs = {logs}\n')
    start(OURS, "witness", "--config", config, ready="portcullis ready")
    start("siglog", "--database-url", f"sqlite:{FOLDER}/siglog.db?mode=rwc", "--storage-backend", "fs", "--fs-root",
          FOLDER / "siglog-files", "--origin", "example.com/siglog", "--private-key", siglog_key.read_text().strip(),
          "--listen", f"127.0.0.1:{port + 1}", "--external-witnesses", f"witness.example=http://127.0.0.1:{port}")
    eventually(lambda: fetch(f"http://127.0.0.1:{port + 1}/checkpoint")[0])
    path = hashlib.sha256(b"example.com/siglog").hexdigest()
    # It cannot read a real cosignature, so after each it believes that we hold less and must be told twice.
    sizes = set()
    for n in range(4):
        fetch(f"http://127.0.0.1:{port + 1}/add", f"entry {n}".encode())
        for _ in range(30):
            status, note = fetch(f"http://127.0.0.1:{port}/{path}/checkpoint")
            if status == 200:
                sizes.add(int(note.split(b"\n")[1]))
            time.sleep(0.1)
    check("we cosign siglog's log as it grows, by its own proofs", len(sizes) > 1 and max(sizes) > 2, sizes)
    old, good, last = 0, True, None
    for n in range(3):
        python.append_intent(f"intent {n}".encode())
        body = python.add_checkpoint_body(old)
        last = fetch(f"http://127.0.0.1:{port}/add-checkpoint", body if isinstance(body, bytes) else body.encode())
        good &= last[0] == 200 and last[1].startswith("— witness.example ".encode())
        old = python.tree_size()
    check("we cosign witness-log's log as it grows", good, last)


try:
    their_witnesses_cosign_ours()
    we_cosign_theirs()
finally:
    for child in children:
        child.kill()
sys.exit(1 if failed else 0)
