#!/usr/bin/env python3
"""CPU per proxied request: Portcullis beside nginx and HAProxy, in one run on this machine.

    bench/edge.py --binary target/bench-release/portcullis [--rounds 5] [--secs 5] [--only clear,tls,h2]

Equal work for all three: 1 KiB answers from a stock nginx, kept-alive connections on both sides, X-Forwarded-For added,
no access log, one worker on core 0; load generator and origin on core 1. TLS: one ECDSA P-256 certificate, TLS 1.3.
Rounds are interleaved (each proxy once, freshly started and warmed up for a second, then the next round); the ratio is
the median of the ratios within each round. Not part of any test run.
"""
import argparse
import os
import subprocess
import tempfile
import time

from measure import finish, free_ports, h2load, measure, median, row, say, start, stop, versions, wait_port, wrk, write
from portcullis import Town

# DESIGN section 13: what an issue is measured by, as a ratio to nginx.
GOALS = {"clear": 1.10, "tls": 1.00, "h2": 1.00}
TITLES = {"clear": "clear HTTP/1.1", "tls": "TLS HTTP/1.1", "h2": "HTTP/2"}
SITES = """
[[customer]]
id = "cus_bench"
name = "Benchmark"
  [[customer.site]]
  id = "site_bench"
  hostnames = ["localhost"]
  origins = ["127.0.0.1:{origin}"]
  certificate = "{folder}/cert.pem"
  key = "{folder}/key.pem"
"""
FOREVER = "keepalive_requests 4000000000; keepalive_timeout 3600;"


def origin_config(folder, port):
    return write(folder, "origin.conf", f"""
worker_processes 1; daemon off; pid {folder}/origin.pid; error_log {folder}/origin.err crit;
events {{ worker_connections 8192; }}
http {{ access_log off; {FOREVER} types {{}} default_type text/plain;
 client_body_temp_path {folder}/o1; proxy_temp_path {folder}/o2; fastcgi_temp_path {folder}/o3; uwsgi_temp_path {folder}/o4; scgi_temp_path {folder}/o5;
 server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "{'x' * 1024}"; }} }} }}
""")


def nginx(folder, ports):
    config = write(folder, "nginx.conf", f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit;
events {{ worker_connections 8192; }}
http {{ access_log off; {FOREVER} types {{}} default_type text/plain;
 client_body_temp_path {folder}/n1; proxy_temp_path {folder}/n2; fastcgi_temp_path {folder}/n3; uwsgi_temp_path {folder}/n4; scgi_temp_path {folder}/n5;
 upstream o {{ server 127.0.0.1:{ports['origin']}; keepalive 256; {FOREVER} }}
 server {{ listen 127.0.0.1:{ports['clear']} backlog=4096; listen 127.0.0.1:{ports['tls']} ssl http2 backlog=4096;
  ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;
  location / {{ proxy_pass http://o; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
   proxy_set_header X-Forwarded-For $remote_addr; }} }} }}
""")
    return start(["nginx", "-e", f"{folder}/nginx.err", "-c", config], folder, "nginx", cores="0")


def haproxy(folder, ports):
    config = write(folder, "haproxy.cfg", f"""
global
  nbthread 1
  maxconn 8192
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout client 3600s
  timeout server 3600s
  timeout connect 5s
  timeout http-keep-alive 3600s
  http-reuse always
frontend f
  bind 127.0.0.1:{ports['clear']}
  bind 127.0.0.1:{ports['tls']} ssl crt {folder}/both.pem alpn h2,http/1.1
  option forwardfor
  default_backend b
backend b
  server o 127.0.0.1:{ports['origin']}
""")
    return start(["haproxy", "-q", "-db", "-f", config], folder, "haproxy", cores="0")


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"], check=True, capture_output=True)
    both = open(f"{folder}/cert.pem").read() + open(f"{folder}/key.pem").read()
    write(folder, "both.pem", both)


def loads(ports):
    clear, tls = f"http://localhost:{ports['clear']}/", f"https://localhost:{ports['tls']}/"
    return {"clear": lambda secs: wrk(clear, secs, "1"), "tls": lambda secs: wrk(tls, secs, "1"), "h2": lambda secs: h2load(tls, secs, "1")}


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--binary", required=True)
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--secs", type=int, default=5)
    ask.add_argument("--only", default="clear,tls,h2")
    ask.add_argument("--name", default="edge")
    asked = ask.parse_args()
    cases = asked.only.split(",")
    if os.cpu_count() < 2:
        raise SystemExit("needs two cores: one for the proxy, one for load and origin")
    with tempfile.TemporaryDirectory(prefix="portcullis-bench-") as folder:
        os.chmod(folder, 0o755)  # nginx started by root works as another user
        ports = dict(zip(("origin", "clear", "tls"), free_ports(3)))
        certificate(folder)
        # The edge under test is a process of its own; desk and press sit idle beside the load generator.
        town = Town(os.path.abspath(asked.binary), folder, cores="1")
        sites = write(folder, "sites.toml", SITES.format(origin=ports["origin"], folder=folder))
        proxies = {"portcullis": lambda: town.edge("edge", ports["clear"], ports["tls"], sites, cores="0", unlimited=True), "nginx": lambda: nginx(folder, ports),
                   "haproxy": lambda: haproxy(folder, ports)}
        load, figures = loads(ports), []
        origin = start(["nginx", "-e", f"{folder}/origin.err", "-c", origin_config(folder, ports["origin"])], folder, "origin", cores="1")
        try:
            wait_port(ports["origin"], origin)
            for turn in range(asked.rounds):
                for name, begin in proxies.items():
                    process = begin()
                    try:
                        wait_port(ports["clear"], process)
                        wait_port(ports["tls"], process)
                        for case in cases:
                            load[case](1)
                            one = measure(process, lambda: load[case](asked.secs), [origin])
                            one.update(proxy=name, case=case, round=turn)
                            figures.append(one)
                            say(f"round {turn + 1}/{asked.rounds} {TITLES[case]:15} {name:10} {one['cpu_us']:6.1f} us/request, "
                                f"{one['rps']:6.0f}/s, {one['cores']:.2f} cores, {one['mib']:.1f} MiB, strangers {one['foreign']:.2f}")
                    finally:
                        stop(process)
                    time.sleep(0.2)
        finally:
            stop(origin)
            town.stop()
    finish(asked.name, table(figures, cases, asked.rounds), {
        "versions": versions(["nginx", "-v"], ["haproxy", "-v"], ["wrk", "-v"], ["h2load", "--version"]),
        "rounds": asked.rounds, "seconds": asked.secs, "figures": figures})


def table(figures, cases, rounds):
    rows = []
    for case in cases:
        at = {(one["proxy"], one["round"]): one["cpu_us"] for one in figures if one["case"] == case}
        middle = {name: median([at[name, turn] for turn in range(rounds)]) for name in ("portcullis", "nginx", "haproxy")}
        for peer, title in (("nginx", "nginx"), ("haproxy", "HAProxy")):
            ratio = median([at["portcullis", turn] / at[peer, turn] for turn in range(rounds)])
            rows.append(row(TITLES[case], "CPU us/request", middle["portcullis"], middle[peer], title, ratio,
                            GOALS[case] if peer == "nginx" else None))
    return rows


if __name__ == "__main__":
    main()
