#!/usr/bin/env python3
"""Thirty-two edges and a desk; each edge is cut off from it once for a minute, at random, while decisions come and go.

    bench/cut.py --binary target/bench-release/portcullis

Desk and press are one process each and can be killed. Every edge reaches them through a line of its own that can be
cut: either what runs over it breaks and new connections are reset, or it goes silent and nobody is told. Three edges
further along in a ring are its peers and are always reachable: the side channel. An observer asks every edge for the
customer's hostnames every 100 ms, and now and then for a stranger's.

There are three emergencies, as many as a log takes in an hour, each imposed when many edges are cut off. One is lifted
at the desk, one at an edge that is cut off, one at an edge while desk and press are dead (kill -9; they start again
soon after). What was seen is then held against the log:

- nobody shows a block that is not in force: none before its last signature, none of a stranger, none by an edge that has
  once stopped showing it, none that begins after the lift is in the log;
- everybody shows what the log says, soon after the line is back;
- a lift that was brought to one edge ends the block on edges that are cut off, from peer to peer.

An edge that is cut off and has not heard of a lift enforces on; for how long is a figure, not a fault: it cannot know.
"""
import argparse
import asyncio
import json
import os
import random
import re
import socket
import struct
import tempfile
import time

from measure import finish, free_ports, row, say, start, stop
from portcullis import Town, ready

EDGES = 32
# At least so many are cut off whenever something is decided or lifted.
AWAY = 4
CUT = 60.0
# The last cut begins 60 s before the end.
LENGTH = 270.0
PROBE_EVERY = 0.1
# Each edge's peers, counted along the ring: news that goes round it takes eleven steps.
PEERS = (1, 2, 3)
THEIRS = ("one.first.localhost", "two.first.localhost", "live.first.localhost")
STRANGER = "shop.second.localhost"
LIFT = "/.well-known/portcullis/lift"
# When an emergency may be imposed, and what follows how many seconds later.
WINDOWS = ((35, 60), (100, 118), (165, 180))
LIFTED_AFTER = 25.0
# In the third one: desk and press die, the lift is brought to an edge, desk and press start again.
KILLED_AFTER, RESTARTED_AFTER = 18.0, 33.0
# What an edge that is not cut off may take before it shows what the log says (DESIGN section 13).
SOON = 2.0
# An edge without a doorbell looks every two seconds (relay::tail::POLL_WITHOUT_BELL), give or take a quarter.
CONVERGED = 5.0
# Not there after that: it did not converge.
LOST = 60.0
GOALS = {"violations": 0, "side": 2000, "heard": SOON * 1e3, "healed": CONVERGED * 1e3}


# The lines between edges and the desk.

class Line:
    """An edge's way to relay and press: two local ports, open, reset or silent."""

    def __init__(self):
        self.state = "open"
        self.ends = set()
        self.servers = []

    async def open(self, target):
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Near(self, target), "127.0.0.1", 0)
        self.servers.append(server)
        return server.sockets[0].getsockname()[1]

    def cut(self, how):
        self.state = how
        for end in list(self.ends):
            end.reset() if how == "reset" else end.hold()

    def heal(self):
        self.state = "open"
        for end in list(self.ends):
            end.go_on()


class End(asyncio.Protocol):
    """One side of a connection; `other` is the other one."""

    def __init__(self, line):
        self.line, self.other, self.transport = line, None, None

    def connection_made(self, transport):
        self.transport = transport
        self.line.ends.add(self)
        if self.line.state == "reset":
            self.reset()
        elif self.line.state == "silent":
            self.hold()

    def data_received(self, data):
        if self.other and self.other.transport:
            self.other.transport.write(data)

    def connection_lost(self, _):
        self.line.ends.discard(self)
        if self.other and self.other.transport:
            self.other.transport.close()

    def reset(self):
        if self.transport.is_closing():
            return
        # Zero seconds of lingering: the other side gets a reset, not an end.
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def hold(self):
        self.transport.pause_reading()

    def go_on(self):
        self.transport.resume_reading()


class Near(End):
    """The edge's side. The other one is opened when there is something to send."""

    def __init__(self, line, target):
        super().__init__(line)
        self.target, self.early = target, b""

    def data_received(self, data):
        if self.other and self.other.transport:
            return super().data_received(data)
        self.early += data
        if not self.other:
            self.other = Far(self.line, self)
            asyncio.ensure_future(self.reach())

    async def reach(self):
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.other, "127.0.0.1", self.target)
        except OSError:
            self.reset()


class Far(End):
    def __init__(self, line, near):
        super().__init__(line)
        self.other = near

    def connection_made(self, transport):
        super().connection_made(transport)
        transport.write(self.other.early)
        if self.other.transport.is_closing():
            transport.abort()


class Origin(asyncio.Protocol):
    """Both customers' origin. It must outlive the desk, so it is not the demonstration's."""

    def connection_made(self, transport):
        self.transport, self.got = transport, b""

    def data_received(self, data):
        self.got += data
        while b"\r\n\r\n" in self.got:
            self.got = self.got.split(b"\r\n\r\n", 1)[1]
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n")


class Captor(asyncio.Protocol):
    """Takes the place of an edge for `portcullis lift --edge`, so that a signed lift can be brought at a chosen moment."""

    def __init__(self, notes):
        self.notes, self.got = notes, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.got += data
        head, _, body = self.got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if length and len(body) == int(length.group(1)):
            self.notes.append(body)
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\ntaken\n")
            self.transport.close()


async def http(port, method, path, host="127.0.0.1", headers="", body=b"", seconds=10):
    """Status, head and body of one exchange on a connection of its own."""
    async def exchange():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            if body:
                headers_ = headers + f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            else:
                headers_ = headers
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers_}Connection: close\r\n\r\n".encode() + body)
            return await reader.read()
        finally:
            writer.close()
    answer = await asyncio.wait_for(exchange(), seconds)
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not answer:
        raise ConnectionResetError(port)
    if not head.startswith(b"HTTP/1.1 "):
        raise OSError(f"no answer from port {port}: {answer[:80]!r}")
    return int(head[9:12]), head.decode("latin-1"), rest


# The town.

class House(Town):
    """Desk and press in processes of their own, so that they die and come back while edges and origins live."""

    def open(self, cores=None):
        self.planes = {}
        for plane in ("desk", "press"):
            log = os.path.join(self.folder, plane + ".log")
            # The readiness line of an earlier start must not be taken for this one's.
            if os.path.exists(log):
                os.rename(log, f"{log}.{time.monotonic_ns()}")
            self.planes[plane] = start([self.binary, "--home", self.home, plane] + (["--demo"] if plane == "desk" else []),
                                       self.folder, plane, cores)
            ready(self.planes[plane], log)

    def kill(self):
        for process in self.planes.values():
            process.kill()
            process.wait()

    def stop(self):
        for process in self.planes.values():
            stop(process)


def port_of(address):
    return int(re.search(r":(\d+)(/|$)", address).group(1))


class Edge:
    def __init__(self, number, port, metrics):
        self.name, self.port, self.metrics = f"edge-{number}", port, metrics
        self.line = Line()
        self.process = None
        self.begin = self.end = None
        self.how = None
        # (asked, answered, what): what is None when served, the decision's id when blocked, a text when neither.
        self.theirs, self.strangers = [], []
        # How large the log was when the line was cut and when it came back, and when this edge was as far.
        self.size_cut = self.size_healed = self.caught_up = self.took = None

    def is_cut(self, at):
        return self.begin is not None and self.begin <= at < self.end

    async def ask(self, host):
        asked = time.monotonic()
        try:
            status, head, body = await http(self.port, "GET", "/", host, "Accept: application/json\r\n", seconds=5)
        except ConnectionResetError:
            return asked, time.monotonic(), NOTHING
        except (OSError, asyncio.TimeoutError) as error:
            return asked, time.monotonic(), f"error: {error or type(error).__name__}"
        got = time.monotonic()
        if status == 200 and body == b"ok\n":
            return asked, got, None
        found = re.search(rb'"decision_id":"([^"]+)"', body)
        if status == 403 and 'rel="blocked-by"' in head and found:
            return asked, got, found.group(1).decode()
        return asked, got, f"error: {status} {body[:60]!r}"

    async def watch(self):
        for turn in range(1 << 30):
            asked = time.monotonic()
            if turn % 10 == 9:
                self.strangers.append(await self.ask(STRANGER))
            else:
                self.theirs.append(await self.ask(THEIRS[turn % 3]))
            await asyncio.sleep(max(0.0, asked + PROBE_EVERY - time.monotonic()))

    async def size(self):
        status, _, body = await http(self.port, "GET", "/.well-known/portcullis/checkpoint", THEIRS[0])
        return int(body.split(b"\n")[1]) if status == 200 else 0

    async def figures(self):
        _, _, body = await http(self.metrics, "GET", "/metrics")
        return dict(re.findall(r"^(portcullis_ledger_\S+) (\d+)", body.decode(), re.M))


NOTHING = "error: closed without an answer"


def is_error(shown):
    return shown is not None and shown.startswith("error")


class Decision:
    """An emergency: its id, and when what happened to it, on the monotonic clock."""

    def __init__(self, number):
        self.number, self.id = number, None
        self.signed = self.logged = self.lifted = self.at_edge = self.lift_logged = None


def plan(seed):
    """When each edge is cut and how, and when each emergency is imposed: where most edges are cut off."""
    chance = random.Random(seed)
    while True:
        cuts = [(chance.uniform(5, LENGTH - CUT - 5), chance.choice(("reset", "silent"))) for _ in range(EDGES)]

        def many(at):
            return sum(begin + 3 < at < begin + CUT - 3 for begin, _ in cuts)
        moments = []
        for first, last in WINDOWS:
            # Cut off at the lift too, and some of them in between: both are looked at.
            moments.append(max((first + step / 2 for step in range(int(2 * (last - first)) + 1)),
                               key=lambda at: min(many(at), many(at + LIFTED_AFTER))))
        if all(min(many(at), many(at + LIFTED_AFTER)) >= AWAY for at in moments):
            return cuts, moments


class Story:
    def __init__(self, binary, folder, seed):
        self.seed, self.folder = seed, folder
        self.cuts, self.moments = plan(seed)
        self.town = House(binary, folder)
        self.relay, self.press = (port_of(self.town.config[table]["listen"]) for table in ("relay", "press"))
        self.desk = port_of(self.town.config["desk"]["listen"])
        self.edges, self.decisions = [], [Decision(number) for number in range(len(WINDOWS))]
        self.killed = self.back = None
        self.notes = []

    def say(self, words):
        say(f"{time.monotonic() - self.zero:6.1f} s  {words}")

    # Setting up.

    async def start_all(self):
        loop = asyncio.get_running_loop()
        for address in self.town.config["demo"]["origins"]:
            await loop.create_server(Origin, "127.0.0.1", port_of(address))
        captor = await loop.create_server(lambda: Captor(self.notes), "127.0.0.1", 0)
        self.captor = captor.sockets[0].getsockname()[1]
        ports = free_ports(3 * EDGES)
        self.edges = [Edge(n, ports[3 * n], ports[3 * n + 1]) for n in range(EDGES)]
        for number, edge in enumerate(self.edges):
            relay, press = await edge.line.open(self.relay), await edge.line.open(self.press)
            peers = [f"http://127.0.0.1:{self.edges[(number + step) % EDGES].port}" for step in PEERS]
            other = {"relay": f"http://127.0.0.1:{relay}", "ledger": f"http://127.0.0.1:{press}/ledger", "peers": peers,
                     "metrics": f"127.0.0.1:{edge.metrics}"}
            edge.process = await asyncio.to_thread(self.town.edge, edge.name, edge.port, ports[3 * number + 2], other=other)
        for edge in self.edges:
            await asyncio.to_thread(self.town.wait_edge, edge.name, edge.process)

    def stop(self):
        for edge in self.edges:
            stop(edge.process)
        self.town.stop()

    async def at(self, seconds):
        await asyncio.sleep(max(0.0, self.zero + seconds - time.monotonic()))

    # What happens.

    async def prepare(self, decision):
        """Everything up to the last signature, and a lift in the drawer."""
        town = self.town
        decision.id = await asyncio.to_thread(town.propose)
        decision.line = await asyncio.to_thread(town.signature, decision.id, "clara")
        before = len(self.notes)
        await asyncio.to_thread(lambda: town.call("lift", decision.id, "--why", "The danger is over.", "--yes", "--edge",
                                                  f"http://127.0.0.1:{self.captor}", person="dora"))
        decision.lift = self.notes[before]

    async def at_desk(self, path, body, person):
        with open(os.path.join(self.town.home, "people", person, "token")) as file:
            token = file.read().strip()
        status, _, answer = await http(self.desk, "POST", f"/api/v1{path}", "127.0.0.1", f"Authorization: Bearer {token}\r\n", body,
                                       seconds=60)
        if status not in (200, 201, 202):
            raise SystemExit(f"the desk did not take {path}: {status} {answer[:300]!r}")

    async def log(self):
        """How many entries the log has, by the press."""
        _, _, body = await http(self.press, "GET", "/ledger/checkpoint")
        return int(body.split(b"\n")[1])

    async def impose(self, decision):
        decision.signed = time.monotonic()
        await self.at_desk(f"/notes/{decision.id}/signatures", decision.line.encode(), "clara")
        decision.logged = time.monotonic()
        self.say(f"emergency {decision.number + 1} imposed, {self.away()} edges cut off")

    def away(self):
        now = time.monotonic()
        return sum(edge.is_cut(now) for edge in self.edges)

    async def lift_at_desk(self, decision):
        decision.lifted = time.monotonic()
        await self.at_desk("/undo", decision.lift, "dora")
        decision.lift_logged = time.monotonic()
        self.say(f"emergency {decision.number + 1} lifted at the desk, {self.away()} edges cut off")

    async def lift_at_edge(self, decision):
        """At the edge that stays cut off longest."""
        now = time.monotonic()
        edge = max((one for one in self.edges if one.is_cut(now) and one.theirs[-1][2]), key=lambda one: one.end, default=None)
        edge = edge or max((one for one in self.edges if one.is_cut(now)), key=lambda one: one.end)
        decision.at_edge, decision.lifted = edge, time.monotonic()
        status, _, body = await http(edge.port, "POST", LIFT, THEIRS[0], body=decision.lift)
        if not 200 <= status < 300:
            raise SystemExit(f"{edge.name} did not take a lift: {status} {body!r}")
        self.say(f"emergency {decision.number + 1} lifted at {edge.name}, {self.away()} edges cut off")

    async def until_lift_logged(self, decision):
        """When the log holds a lift that was brought to an edge."""
        end = time.monotonic() + LOST
        while time.monotonic() < end:
            try:
                status, _, body = await http(self.desk, "GET", f"/api/v1/decisions/{decision.id}")
                if status == 200 and json.loads(body).get("lifted"):
                    decision.lift_logged = time.monotonic()
                    self.say(f"the lift of emergency {decision.number + 1} is in the log")
                    return
            except (OSError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(0.1)

    async def cut(self, edge, begin, how):
        edge.how = how
        await self.at(begin)
        edge.size_cut = await edge.size()
        # From here on nothing of the desk reaches it, so a moment that is a little early is on the safe side.
        edge.begin, edge.end = time.monotonic(), float("inf")
        edge.line.cut(how)
        await self.at(begin + CUT)
        edge.line.heal()
        edge.end = time.monotonic()
        while True:
            try:
                edge.size_healed = await self.log()
                break
            except (OSError, asyncio.TimeoutError):
                await asyncio.sleep(0.1)
        while await edge.size() < edge.size_healed:
            await asyncio.sleep(0.05)
        edge.caught_up = time.monotonic()

    async def first(self, decision, at):
        await self.at(at)
        await self.impose(decision)
        await self.at(at + LIFTED_AFTER)
        await self.lift_at_desk(decision)

    async def second(self, decision, at):
        await self.at(at)
        await self.impose(decision)
        await self.at(at + LIFTED_AFTER)
        await self.lift_at_edge(decision)
        await self.until_lift_logged(decision)

    async def third(self, decision, at):
        await self.at(at)
        await self.impose(decision)
        await self.at(at + KILLED_AFTER)
        self.killed = time.monotonic()
        await asyncio.to_thread(self.town.kill)
        self.say("desk and press are dead")
        await self.at(at + LIFTED_AFTER)
        await self.lift_at_edge(decision)
        await self.at(at + RESTARTED_AFTER)
        await asyncio.to_thread(self.town.open)
        self.back = time.monotonic()
        self.say("desk and press are back")
        await self.until_lift_logged(decision)

    async def decide(self):
        for decision, at, story in zip(self.decisions, self.moments, (self.first, self.second, self.third)):
            await self.prepare(decision)
            if time.monotonic() > self.zero + at:
                raise SystemExit("this machine is too slow: an emergency was not prepared in time")
            await story(decision, at)

    async def run(self):
        await self.start_all()
        self.zero = time.monotonic()
        # The log has whole seconds of wall time.
        self.wall = time.time() - time.monotonic()
        self.say(f"seed {self.seed}: {EDGES} edges, {LENGTH:.0f} s")
        watchers = [asyncio.ensure_future(edge.watch()) for edge in self.edges]
        acts = [asyncio.ensure_future(self.cut(edge, *cut)) for edge, cut in zip(self.edges, self.cuts)]
        acts.append(asyncio.ensure_future(self.decide()))
        done, waiting = await asyncio.wait(acts, timeout=LENGTH + LOST, return_when=asyncio.FIRST_EXCEPTION)
        for act in done:
            act.result()
        for act in waiting:
            act.cancel()
        # Everything else comes to its end in any case; an edge that does not catch up, does not.
        self.lost = len(waiting)
        # A receipt that was under way when the last edge caught up must have arrived.
        self.agreed = await self.until_agreed()
        await asyncio.sleep(3)
        self.over = time.monotonic()
        for watcher in watchers:
            watcher.cancel()
        await asyncio.wait(watchers)
        for watcher in watchers:
            if not watcher.cancelled():
                watcher.result()
        self.pending = sum([int((await edge.figures())["portcullis_ledger_undos_pending"]) for edge in self.edges])
        self.entries = await self.log()
        self.verified = await asyncio.to_thread(self.town.call, "verify", f"http://127.0.0.1:{self.press}/ledger")

    async def until_agreed(self):
        """How many edges' receipts are not what the desk itself holds, when none is or patience ends."""
        end = time.monotonic() + LOST
        names = {edge.name for edge in self.edges}
        while True:
            status = json.loads((await http(self.desk, "GET", "/api/v1/status"))[2])
            ours = (status["size"], status["head"], status["effective"])
            listed = json.loads((await http(self.desk, "GET", "/api/v1/edges"))[2])["edges"]
            same = [edge for edge in listed if edge["name"] in names and edge["standing"] == "same" and not edge["measures"]
                    and (edge["size"], edge["root"], edge["effective"]) == ours]
            if len(same) == EDGES or time.monotonic() > end:
                return EDGES - len(same)
            await asyncio.sleep(0.5)

    # What was seen, held against the log.

    def by_log(self, begin, end):
        """The decision in force from `begin` to `end` as the log has it; False while that changes."""
        for one in self.decisions:
            if end < one.signed or one.lift_logged and begin > one.lift_logged:
                continue
            # An edge that has the lift may stop before the log has it.
            return one.id if begin > one.logged and end < one.lifted else False
        return None

    def unlawful(self):
        """Every answer that was a block which was not in force, in words."""
        found = []
        known = {one.id: one for one in self.decisions}
        for edge in self.edges:
            def tell(seen, what):
                found.append(f"{edge.name} at {seen[0] - self.zero:.2f} s: {what}")
            for seen in edge.strangers:
                if seen[2] and not is_error(seen[2]):
                    tell(seen, "a stranger was blocked")
            before, over = None, set()
            for seen in edge.theirs:
                asked, answered, shown = seen
                if is_error(shown):
                    continue
                if shown != before and before:
                    over.add(before)
                if shown and shown not in known:
                    tell(seen, f"{shown} was never decided")
                elif shown:
                    one = known[shown]
                    # A look that was under way at the lift may end a moment later, but not where the line was cut.
                    logged = one.lift_logged or self.over
                    grace = 0.0 if edge.is_cut(logged) else SOON
                    if answered < one.signed:
                        tell(seen, f"{shown} before its last signature")
                    elif shown in over:
                        tell(seen, f"{shown} again, after its end here")
                    elif shown != before and asked > logged + grace:
                        tell(seen, f"{shown} began after its lift was in the log")
                before = shown
        return found

    def could_know(self, edge, at):
        """Line, desk and press were there for as long as converging may take."""
        away = ((edge.begin, edge.end), (self.killed, self.back))
        return not any(begin <= at and at - CONVERGED < end for begin, end in away)

    def astray(self):
        """Every answer that the log gainsays, of an edge that could long know, in words."""
        found = []
        for edge in self.edges:
            for asked, answered, shown in edge.theirs:
                # Nothing has changed in the log for as long either, or either answer is right.
                expected = self.by_log(asked - CONVERGED, answered)
                if self.could_know(edge, asked) and expected is not False and shown != expected and not is_error(shown):
                    found.append(f"{edge.name} at {asked - self.zero:.2f} s: {shown}, where the log says {expected}")
        return found

    def errors(self):
        """Every answer that was neither the page nor the site, in words."""
        found = []
        for edge in self.edges:
            for seen, after in zip(edge.theirs, edge.theirs[1:] + [(0, 0, None)]):
                # A block cuts the requests that are under way; the next answer is the page.
                if is_error(seen[2]) and not (seen[2] == NOTHING and after[2] and not is_error(after[2])):
                    found.append((edge, seen))
            found += [(edge, seen) for seen in edge.strangers if is_error(seen[2])]
        return [f"{edge.name} at {seen[0] - self.zero:.2f} s: {seen[2]}" for edge, seen in found]

    def first_seen(self, edge, what, at):
        """When an answer to a question asked from `at` on was `what`."""
        return next((answered for asked, answered, shown in edge.theirs if asked >= at and shown == what), None)

    def shown_at(self, edge, at):
        return next((shown for _, answered, shown in reversed(edge.theirs) if answered < at), None)

    def heard(self):
        """Seconds from the last signature, and from a lift at the desk, to edges that were not cut off."""
        delays = []
        for one in self.decisions:
            for edge in self.edges:
                changes = [(one.signed, one.id)] + ([(one.lifted, None)] if one is self.decisions[0] else [])
                for at, what in changes:
                    if not self.could_know(edge, at) or edge.is_cut(at + SOON):
                        continue
                    seen = self.first_seen(edge, what, at)
                    delays.append((seen or self.over) - at)
        return delays

    def healed(self):
        """Seconds from the line's return, or the desk's, until an edge that missed entries had them and showed what they say."""
        delays = []
        for edge in self.edges:
            if edge.size_healed == edge.size_cut and edge.caught_up:
                continue
            shows = self.over
            for asked, answered, shown in edge.theirs:
                expected = self.by_log(asked, answered)
                if asked >= edge.end and (expected is False or shown == expected):
                    shows = answered
                    break
            there = max(edge.caught_up or self.over, shows)
            # What the death of desk and press kept from it counts from their return.
            waited = edge.end < self.back and there > self.killed
            edge.took = max(0.0, there - (self.back if waited else edge.end))
            delays.append(edge.took)
        return delays

    def passed_on(self, one, only_cut):
        """Seconds from a lift to each edge that showed the block then; `only_cut`: and was cut off until it stopped."""
        delays = []
        for edge in self.edges:
            if edge is one.at_edge or self.shown_at(edge, one.lifted) != one.id:
                continue
            seen = self.first_seen(edge, None, one.lifted) or self.over
            if only_cut and not edge.is_cut(one.lifted):
                continue
            delays.append(seen - one.lifted)
        return delays


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def rows_of(story):
    case = f"{EDGES} edges, each cut off for a minute"
    first, second, third = story.decisions
    unlawful, astray, errors = story.unlawful(), story.astray(), story.errors()
    faults = [("answers: blocked, not in force", unlawful), ("answers: not what the log says", astray), ("answers: neither page nor site", errors)]
    rows = [row(case, what, len(found), goal=GOALS["violations"]) for what, found in faults]
    left = [("edges that never caught up", story.lost), ("receipts unlike the desk's at the end", story.agreed),
            ("lifts not in the log at the end", story.pending + sum(one.lift_logged is None for one in story.decisions))]
    rows += [row(case, what, count, goal=GOALS["violations"]) for what, count in left]
    side = story.passed_on(second, True) + story.passed_on(third, False)
    timed = [("log -> edge not cut off", story.heard(), GOALS["heard"]), ("line back -> as the log says", story.healed(), GOALS["healed"]),
             ("lift at one edge -> edges without a desk", side, GOALS["side"]),
             ("lift at the desk -> edges cut off", story.passed_on(first, True), None)]
    details = {"seed": story.seed, "entries": story.entries, "answers": sum(len(e.theirs) + len(e.strangers) for e in story.edges),
               "longest_look_away_s": round(max(b[0] - a[0] for e in story.edges for a, b in zip(e.theirs, e.theirs[1:])), 2),
               "ms": {}}
    for what, seconds, goal in timed:
        if not seconds:
            continue
        case = f"{what} ({len(seconds)})"
        for name, part in (("p50 ms", 0.5), ("p99 ms", 0.99), ("max ms", 1)):
            rows.append(row(case, name, percentile(seconds, part) * 1e3, goal=goal if part == 0.99 else None))
        details["ms"][what] = sorted(round(one * 1e3) for one in seconds)
    # When and how each edge was cut off, and the milliseconds it took afterwards; None: it had missed nothing.
    details["cuts"] = [[round(e.begin - story.zero, 1), e.how, e.took and round(e.took * 1e3)] for e in story.edges]
    if third.lift_logged:
        rows.append(row("desk back -> lift in the log", "ms", (third.lift_logged - story.back) * 1e3))
    for what, found in faults:
        for words in found[:20]:
            say(f"FAULT  {what}: {words}")
    bad = any(found for _, found in faults) or any(count for _, count in left)
    return rows, details, bad


def run(binary, seed=None):
    """Rows, details, and whether anything was seen that must not be."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="portcullis-bench-") as folder:
        story = Story(binary, folder, seed)
        try:
            asyncio.run(story.run())
            return rows_of(story)
        finally:
            story.stop()


def judge(bad):
    if bad:
        raise SystemExit("something was seen that must not be: a row with goal 0 is not 0")


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--binary", required=True)
    ask.add_argument("--seed", type=int, default=None)
    ask.add_argument("--name", default="cut")
    asked = ask.parse_args()
    rows, details, bad = run(os.path.abspath(asked.binary), asked.seed)
    finish(asked.name, rows, details)
    judge(bad)


if __name__ == "__main__":
    main()
