#!/usr/bin/env python3
"""An independent checker of Portcullis ledgers: check.py DIR TRUST [--json] [--at UNIX_SECONDS] [--demo]

Written from notes.md, fold.md and public specifications alone (C2SP tlog-tiles, tlog-checkpoint, signed-note,
tlog-cosignature; OpenSSH's PROTOCOL.sshsig; RFC 6962, RFC 8032), without a look at Portcullis' source. DIR is
a ledger as anybody downloads it (checkpoint, tile/, blob/), TRUST a file with its trust line. Names in "",
like "Who counts", are passages of fold.md, or of notes.md where it says so.

It proves: the log begins with the entry that the trust line names; its newest log key signed exactly these
entries, and as many witnesses as the policy wants cosigned them; which notes took effect; what is in force.
It does not prove: that others are shown the same log (compare size and root, or trust the witnesses); that
nothing newer exists; that entries came when they say; that no lift or suspend is known elsewhere (it takes
those in the log); that a key is in its person's hands; that a decision is right. It enforces nothing: it caps
hours by the subjects that lie in blob/, and says on stderr whose subject is missing.

Exit 0: proven (a rejected entry is no fault of the log). Exit 1: not proven; one line on stderr says why."""
import argparse, base64, datetime, functools, hashlib, json, re, sys, time
from pathlib import Path

MINUTE, HOUR, DAY, FOREVER, LAST = 60, 3600, 86400, float('inf'), 253402300799  # LAST: the end of the year 9999

def need(condition, why):
    if not condition: raise ValueError(why)

def sha256(data): return hashlib.sha256(data).digest()

def unbase64(text):  # bytes have one spelling
    need(re.fullmatch('(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?', text), 'not base64')
    data = base64.b64decode(text)
    need(base64.b64encode(data).decode() == text, 'base64 that is not canonical')
    return data

def decode(data, what):
    try: return data.decode()
    except UnicodeDecodeError: raise ValueError(f'{what} is not UTF-8')

# --- Ed25519 (RFC 8032), as strict as notes.md "Signatures" wants it; a point is (X, Y, Z, T) ---
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT_OF_MINUS_1, ZERO = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P), (0, 1, 1, 0)

def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P

def times(n, p):
    total = ZERO
    for bit in bin(n)[2:]:
        total = add(total, total)
        if bit == '1': total = add(total, p)
    return total

def same(p, q): return (p[0] * q[2] - q[0] * p[2]) % P == 0 == (p[1] * q[2] - q[1] * p[2]) % P

@functools.cache
def point(data):
    sign, y = divmod(int.from_bytes(data, 'little'), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square: x = x * ROOT_OF_MINUS_1 % P
    need(len(data) == 32 and y < P and x * x % P == square and x, 'not a point of the curve')
    if x & 1 != sign: x = P - x
    need(not same(times(8, (x, y, 1, x * y % P)), ZERO), 'a point of small order')
    return x, y, 1, x * y % P

BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, 'little'))

def ed25519(public, signature, message):
    r, s = signature[:32], int.from_bytes(signature[32:], 'little')
    h = int.from_bytes(hashlib.sha512(r + public + message).digest(), 'little') % L
    right = len(signature) == 64 and s < L and same(times(s, BASE), add(point(r), times(h, point(public))))
    need(right, 'a signature does not verify')

# --- P-256 (FIPS 186-5), a point is (x, y) or None for infinity: passkeys ---
FIELD, ORDER = 2**256 - 2**224 + 2**192 + 2**96 - 1, 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
CURVE_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
GENERATOR = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
             0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)

def p256_add(p, q):
    if not p or not q: return p or q
    if p[0] == q[0] and (p[1] + q[1]) % FIELD == 0: return None
    slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, FIELD) if p == q else (q[1] - p[1]) * pow(q[0] - p[0], -1, FIELD)
    x = (slope * slope - p[0] - q[0]) % FIELD
    return x, (slope * (p[0] - x) - p[1]) % FIELD

def p256_times(n, p):
    total = None
    for bit in bin(n)[2:]:
        total = p256_add(total, total)
        if bit == '1': total = p256_add(total, p)
    return total

@functools.cache
def p256_point(data):  # compressed (SEC 1)
    tag, x = data[:1], int.from_bytes(data[1:], 'big')
    y = pow(x**3 - 3 * x + CURVE_B, (FIELD + 1) // 4, FIELD)
    on_curve = (y * y - x**3 + 3 * x - CURVE_B) % FIELD == 0
    need(len(data) == 33 and tag in b'\2\3' and x < FIELD and on_curve, 'no point of P-256')
    return x, y if y & 1 == tag[0] & 1 else FIELD - y

def ecdsa(public, signature, message):
    r, s = (int.from_bytes(half, 'big') for half in (signature[:32], signature[32:]))
    need(len(signature) == 64 and 0 < r < ORDER and 0 < s <= ORDER // 2, 'a signature of a passkey in another spelling')
    w, z = pow(s, -1, ORDER), int.from_bytes(sha256(message), 'big')
    found = p256_add(p256_times(z * w % ORDER, GENERATOR), p256_times(r * w % ORDER, p256_point(public)))
    need(found and found[0] % ORDER == r, 'a signature does not verify')

# --- Keys and signed notes: notes.md "Signatures" ---
LOG, WITNESS, PERSON = b'\x01', b'\x04', b'\xffportcullis.sshsig/v1\0'  # what a vkey of each kind begins with
PASSKEY, PERSONS = b'\xffportcullis.webauthn/v1\0', (PERSON, b'\xffportcullis.webauthn/v1\0')

def ssh_strings(data, count):  # that many strings of SSH's wire format, and what follows them
    found = []
    for _ in range(count):
        end = 4 + int.from_bytes(data[:4], 'big')
        need(4 <= len(data) >= end, 'an SSH string is cut short')
        found, data = found + [data[4:end]], data[end:]
    return *found, data

NAME = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
HOST = rf'(?:{NAME}\.)*(?![0-9]+(?::|$)){NAME}'

class Key:
    def __init__(self, vkey, *kinds):
        m = re.fullmatch(r'([^\s+]+)\+([0-9a-f]{8})\+(\S+)', vkey)
        need(m, 'not a vkey')
        self.vkey, self.name, self.id, raw = vkey, m[1], bytes.fromhex(m[2]), unbase64(m[3])
        self.kind = next((kind for kind in kinds if raw.startswith(kind)), None)
        ident = sha256(self.name.encode() + b'\n' + raw)[:4]
        need(self.kind and ident == self.id, 'a key of another kind, or a wrong key id')
        self.wire = self.public = raw[len(self.kind):]
        if self.kind == PASSKEY:  # synced or not, a point, an origin; the key is known by its x
            self.synced, self.point, self.origin = self.wire[:1], self.wire[1:34], decode(self.wire[34:], 'an origin')
            scheme = rf'(?:https://(?!{HOST}:443$)|http://(?=localhost(?::|$)(?!80$)))'
            fits = re.fullmatch(rf'{scheme}({HOST})(:[1-9][0-9]{{0,4}})?', self.origin)
            need(self.synced in (b'\0', b'\1') and fits and len(self.wire) <= 34 + 254, 'the form of a passkey')
            need(int((fits[2] or ':1')[1:]) < 65536, 'the port of an origin')
            p256_point(self.point)
            self.public, self.host = self.point[1:], fits[1]
            return
        if self.kind == PERSON:
            self.type, self.public, rest = ssh_strings(self.wire, 2)
            if self.type == b'sk-ssh-ed25519@openssh.com':
                self.application, rest = ssh_strings(rest, 1)
                fits = re.fullmatch('ssh:[^\0-\x1f\x7f-\x9f]*', decode(self.application, 'an application'))
                need(fits and len(self.application) <= 255, 'the application of a security key')
            else: need(self.type == b'ssh-ed25519', 'an OpenSSH key of another type')
            need(not rest, 'the length of a key')
        point(self.public)

    def verify(self, text, signature):
        if self.kind == LOG: return ed25519(self.public, signature, text)
        if self.kind == WITNESS:  # eight bytes of time, which is signed as well
            at = int.from_bytes(signature[:8], 'big')
            need(at < 2**63, 'the time of a cosignature')
            return ed25519(self.public, signature[8:], b'cosignature/v1\ntime %d\n' % at + text)
        if self.kind == PASSKEY:  # WebAuthn section 7.2, and 5.8.1.2 for the client data
            data, rs, client = signature[:37], signature[37:101], signature[101:]
            challenge = base64.urlsafe_b64encode(sha256(b'portcullis.webauthn/v1\n' + text)).decode().rstrip('=')
            head = f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"{self.origin}"'.encode()
            rest = client[len(head):].removeprefix(b',"crossOrigin":false')
            ends = rest == b'}' or rest[:2] == b',"' and rest[-1:] == b'}' and not rest.startswith(b',"crossOrigin"')
            need(client.startswith(head) and ends and len(client) <= 512, 'the client data of a passkey')
            flags = data[32] if len(data) == 37 else 0  # present, verified; may be copied, is copied
            need(data[:32] == sha256(self.host.encode()) and flags & 0xe7 == 5, 'the authenticator data of a passkey')
            need(flags & 24 in ((8, 24) if self.synced == b'\1' else (0,)), 'copied, or not, unlike its key')
            return ecdsa(self.point, rs, data + sha256(client))
        wire, space, reserved, algorithm, blob, rest = ssh_strings(signature[10:], 5)
        need(signature[:10] == b'SSHSIG\0\0\0\1' and (wire, space) == (self.wire, b'portcullis-note/v1')
             and not reserved + rest and algorithm in (b'sha256', b'sha512'), 'not the SSHSIG of notes.md')
        digest = hashlib.new(algorithm.decode(), text).digest()
        message = b'SSHSIG' + b''.join(len(s).to_bytes(4, 'big') + s for s in (space, b'', algorithm, digest))
        kind, inner, tail = ssh_strings(blob, 2)
        if self.type != b'ssh-ed25519':  # a security key's: flags (1: user presence) and a counter
            need(len(tail) == 5 and tail[0] & 1, 'no user presence')
            message, tail = sha256(self.application) + tail + sha256(message), b''
        need(kind == self.type and not tail, 'an SSHSIG of another shape')
        ed25519(self.public, inner, message)

def open_note(raw):  # C2SP signed-note: the text; name, key id and signature of each line
    need(len(raw) <= 65536 and not re.search(b'[\0-\x09\x0b-\x1f]', raw), 'too long, or a control character')
    text, blank, tail = decode(raw, 'a note').rpartition('\n\n')
    need(blank and re.fullmatch(r'(— [^\s+]+ \S+\n){1,64}', tail), 'not a signed note')
    lines = [(name, unbase64(data)) for name, data in re.findall(r'— (\S+) (\S+)\n', tail)]
    need(all(len(data) > 4 for _, data in lines), 'a signature is too short')
    return text + '\n', [(name, data[:4], data[4:]) for name, data in lines]

def signers(text, lines, known):  # unknown keys are ignored, a bad signature of a known one rejects all
    found = [(key, data) for name, ident, data in lines
             for key in known if (key.name, key.id) == (name, ident)]
    for key, data in found: key.verify(text.encode(), data)
    return {key.vkey for key, _ in found}

# --- The grammar: notes.md "Rules for every text" and its table ---
ID, HASH, NUMBER = '(?!none(?![a-z0-9_-]))[a-z][a-z0-9_-]{2,63}', '[0-9a-f]{64}', '(?:0|[1-9][0-9]{0,19})'
ORIGIN, LABEL = '[!-*,-~]{1,300}', '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
HOSTNAME = rf'(?=.{{1,253}}\n)(?:{LABEL}\.)+(?![0-9]+\n){LABEL}'  # at the end of a line
SCOPES, CLASSES = 'customer|tenant|site|hostname', 'emergency|abuse|standing|order'
CRITERIA = 'identified credible imminent nexus necessary process-too-slow proportionate adversarial'.split()
INVISIBLE = re.compile(  # Cc, Bidi_Control, Default_Ignorable_Code_Point, U+2028 and U+2029
    '[\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164'
    '\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]')
LINES = {  # KEY:VALUES, in order; ? before what may be `none`
    'finding': f'case:id scope:{SCOPES} subject-sha256:hash time:time window-until:time '
        + ' '.join(f'{c}:met|not_met|unknown' for c in CRITERIA) + ' assessment-sha256:hash',
    'impose': f'class:{CLASSES} scope:{SCOPES} hostnames:10000 ground:id,rule proposed:time since:time '
        'until:time approve-by:time finding:?id referral:?1000,hash order:?id,hash post-sha256:hash '
        'subject-sha256:hash withheld:?victim-safety|investigation|legal-secrecy|child-safety,hash,time '
        'limiting:sentence',
    'continue': 'continues:id reason:validated|extended|order until:time finding:?id order:?id,hash '
        'why:sentence',
    'lift': 'lifts:id reason:error|remedied|over|appeal|other time:time why:sentence',
    'refuse': f'case:id class:{CLASSES} asked-by:reporter|authority|officer time:time why:sentence',
    'suspend': 'key:vkey time:time until:time why:sentence',
    'config': 'version:rule previous:?hash config-sha256:hash customers:count hostnames:count '
        'withdrawn:count lowered:count time:time'}
LINES = {kind: [line.split(':') for line in lines.split()] for kind, lines in LINES.items()}
RANGES = {'10000': (1, 10000), '1000': (1, 1000), 'rule': (1, 2**64 - 1), 'count': (0, 2**40)}

def number(text, low=0, high=2**64 - 1):
    need(re.fullmatch(NUMBER, text) and low <= int(text) <= high, 'a number')
    return int(text)

def value(kind, text):
    if kind[0] == '?': return None if text == 'none' else value(kind[1:], text)
    if ',' in kind: return [value(k, t) for k, t in zip(kind.split(','), text.split(' '), strict=True)]
    if kind in RANGES: return number(text, *RANGES[kind])
    if kind == 'vkey': return Key(text, LOG, WITNESS, *PERSONS).vkey
    if kind == 'time':
        moment = datetime.datetime.strptime(text, '%Y-%m-%dT%H:%M:%SZ').replace(tzinfo=datetime.timezone.utc)
        need(moment.year >= 1970 and moment.strftime('%Y-%m-%dT%H:%M:%SZ') == text, 'a time')
        return int(moment.timestamp())
    if kind == 'sentence':
        fits = text == text.strip() and 1 <= len(text.encode()) <= 2048
        need(fits and not INVISIBLE.search(text), 'a sentence')
    else: need(re.fullmatch({'id': ID, 'hash': HASH}.get(kind, kind), text), f'a value that is no {kind}')
    return text

class Note:
    """note['approve-by'] is the value of that line; attributes are what the fold finds out about the note."""
    def __init__(self, index, raw):
        self.index, (self.text, self.lines) = index, open_note(raw)
        lines = self.text.split('\n')[:-1]
        head = re.match(rf'portcullis-([a-z]+)/v1\norigin ({ORIGIN})\nid ({ID})\n', self.text)
        need(head and max(len(line.encode()) for line in lines) <= 4096, 'not a note')
        self.kind, self.origin, self.id = head.groups()
        if self.kind == 'policy':
            self.policy = Policy(self.text[head.end():], self.origin)
            return
        need(self.kind in LINES and len(lines) == 3 + len(LINES[self.kind]), 'not a known kind of note')
        self.values = {}
        for line, (key, kind) in zip(lines[3:], LINES[self.kind]):
            need(line.startswith(key + ' '), f'the line {key} is missing')
            self.values[key] = value(kind, line[len(key) + 1:])

    def __getitem__(self, key): return self.values[key]

# --- Policies: notes.md (kind `policy`), "Policies in power", "Bounds" (floor, workable to) ---
ROLES = 'assessor approver reviewer legal independent'.split()
BOUNDS = {name: sorted((int(floor), int(last))) for name, floor, last in re.findall(r'(\S+) (\d+) (\d+)', '''
    finding-assessors 2 10    finding-hours 24 1     emergency-approvers 1 5      approve-minutes 60 5
    emergency-hours 48 1      validated-hours 72 1   extended-hours 144 1         abuse-officers 2 10
    abuse-days 30 1           standing-officers 3 10 standing-notice-days 30 365  standing-days 365 1
    order-officers 2 10       order-days 90 1        withheld-days 365 1          suspend-days 7 1
    policy-delay-hours 24 720 imposes-per-hour 3 0   hostnames-per-hour 1000 0    customers-percent 10 0
    config-officers 2 10      witness-quorum 0 16''')}

class Policy:
    def __init__(self, text, origin):
        m = re.fullmatch(rf'version ({NUMBER})\nlog (\S+)\nlog-from (?:none|({NUMBER}) (\S+))\nconfig (\S+)\n'
            r'((?:witness \S+\n){0,16}'
            rf'((?:person {ID} {ID} \S+\n(?:key \S+\n){{1,8}}){{1,64}})((?:bound \S+ {NUMBER}\n)+))', text)
        need(m, 'the lines of a policy')
        self.version, self.log = number(m[1]), Key(m[2], LOG)
        self.log_from = (number(m[3], 1), unbase64(m[4])) if m[3] else None
        need(self.log.name == origin and (not m[3] or len(self.log_from[1]) == 32), 'log or log-from')
        self.config = None if m[5] == 'none' else Key(m[5], LOG)
        self.rest = m[6]  # persons, keys, witnesses and bounds: what a machine's new key leaves as it is
        self.witnesses = [Key(vkey, WITNESS) for vkey in re.findall('^witness (.+)', m[6], re.M)]
        self.roles, self.keys, self.owner = {}, {}, {}  # by person; by vkey; by vkey
        persons = re.findall(r'^person (\S+) \S+ (\S+)\n((?:key \S+\n)+)', m[7], re.M)
        for person, roles, keys in persons:
            self.roles[person] = {*roles.split(',')}
            need(roles == ','.join(r for r in ROLES if r in self.roles[person]), 'roles')
            for key in (Key(vkey, *PERSONS) for vkey in re.findall(r'key (\S+)\n', keys)):
                need(key.name in (person, 'demo:' + person), 'a key that is not named after its person')
                self.keys[key.vkey], self.owner[key.vkey] = key, person
        of_ssh = {self.owner[vkey] for vkey, key in self.keys.items() if key.kind == PERSON}
        need(of_ssh == {*self.roles}, 'a person has no SSH key')
        names, ids = [w.name.encode() for w in self.witnesses], [person for person, _, _ in persons]
        need(names == sorted({*names}) and ids == sorted({*ids}), 'the order of names')
        bounds = re.findall(r'bound (\S+) (\S+)\n', m[8])
        need([name for name, _ in bounds] == [*BOUNDS], 'the names of the bounds')
        self.bound = {name: number(limit, 0, 36500) for name, limit in bounds}
        every = [self.log, *([self.config] if self.config else []), *self.witnesses, *self.keys.values()]
        need(len({key.public for key in every}) == len(every), 'a public key stands twice')
        self.demo = any(key.name.startswith('demo:') for key in every)

    def people(self, keys, *roles):  # "Who counts": each person once, here those who have all these roles
        return {self.owner[k] for k in keys if k in self.owner and {*roles} <= self.roles[self.owner[k]]}

    def ssh(self, keys):  # "Power needs an SSH key"
        return any(self.keys[k].kind == PERSON for k in keys if k in self.keys)

    def quorum(self, keys):  # "Policy quorum"
        enough = len(self.people(keys)) >= max(3, len(self.roles) // 2 + 1)
        return enough and self.ssh(keys) and self.people(keys, 'independent')

    def workable(self):  # the floor, and "Workable"
        b, count = self.bound, lambda *roles: len(self.people(self.keys, *roles))
        return (all(low <= b[name] <= high for name, (low, high) in BOUNDS.items()) and len(self.roles) >= 3
                and count('independent') and count('reviewer') and count('assessor') >= b['finding-assessors']
                and count('approver', 'independent') >= b['emergency-approvers']
                and len(self.witnesses) >= b['witness-quorum'])

# --- The fold: which notes take effect ---
def root(hashes):  # RFC 6962, of the hashes of leaves
    if len(hashes) < 2: return hashes[0] if hashes else sha256(b'')
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b'\1' + root(hashes[:k]) + root(hashes[k:]))

class Fold:
    def __init__(self, origin, log):
        self.origin, self.log, self.policies, self.leaves, self.clock = origin, log, [], [], 0
        self.used, self.person_of, self.suspends, self.config = set(), {}, [], None
        self.findings, self.decisions, self.lifts = {}, {}, {}  # by id; by id; of lifts, by their target

    def power(self, t):  # "Policies in power"
        return next((p for p in reversed(self.policies) if p.start <= t), self.policies[0])

    def old_and_new(self, t):
        judges = [self.power(t)]
        while t - judges[-1].start < 7 * DAY and judges[-1] is not self.policies[0]:
            judges.append(self.policies[self.policies.index(judges[-1]) - 1])
        return judges

    def over(self, since, t):  # by a policy that began after `since` and is no machine's new key
        return any(since < p.start <= t and not p.machine for p in self.policies)

    def live(self, keys, t):  # without those suspended "By the log"
        return keys - {s['key'] for s in self.suspends
                       if s.logged <= t < s['until'] and not self.over(s.logged, t)}

    def sound(self, keys, *moments):  # without those suspended "By all that is known": the log's suspends
        return keys - {s['key'] for s in self.suspends for t in moments
                       if s['time'] <= t < s['until'] and not self.over(s['time'], t)}

    def take(self, n, t):  # "Before any rule" 3 to 5, then the rules of its kind; ValueError: rejected
        clockless = n.kind in ('lift', 'suspend')
        need(n.origin == self.origin, 'another origin')
        need(clockless or t >= self.clock, 'logged earlier than the entry before it')
        need((n.text if clockless else n.id) not in self.used, 'the log has this id or text already')
        n.logged, power = t, self.power(t) if self.policies else n.policy
        several = n.kind == 'impose' or n.kind == 'continue' and n['reason'] != 'validated'
        n.judges = self.old_and_new(t) if several else [power]
        known = [key for p in (self.policies if n.kind == 'lift' else n.judges) for key in p.keys.values()]
        if n.kind == 'config': known += [key for key in [self.policies[-1].config] if key]
        n.signed = signers(n.text, n.lines, {key.vkey: key for key in known}.values())
        n.keys = self.live(n.signed, t)
        n.persons = {self.person_of[k] for k in n.keys if k in self.person_of}
        getattr(self, 'take_' + n.kind)(n, t, power)
        self.used |= {n.id, n.text}
        if not clockless: self.clock = t

    def take_policy(self, n, t, power):  # "policy", and of entry 0 "Trust"
        new, last = n.policy, self.policies[-1] if self.policies else None
        need(new.workable(), 'not within the floor, or not workable')
        if not last:
            need((new.version, new.log_from, new.log.vkey) == (0, None, self.log), 'version, log-from or log')
            need(new.people(n.keys) == {*new.roles} and new.quorum(n.keys), 'somebody named has not signed')
            new.start, new.machine = t, False
        else:
            log, config = (getattr(new, x) and getattr(new, x).vkey for x in ('log', 'config'))
            log, config = log != last.log.vkey, config != (last.config and last.config.vkey)
            new.machine = (log or config) and new.rest == last.rest
            need(new.machine or not log, 'log changes, and more than a machine')
            need(new.machine or last.start <= t, 'another policy waits')
            need(new.version == last.version + 1 and (last.demo or not new.demo), 'version, or demo: keys')
            need(new.log_from == ((len(self.leaves), root(self.leaves)) if log else None), 'log-from')
            need(power.quorum(n.keys), 'no policy quorum')
            delay = power.bound['policy-delay-hours'] * HOUR
            new.start = max(t, last.start) if new.machine else min(t + delay, LAST)
        owners = {key.public: p.owner[vkey] for p in self.policies for vkey, key in p.keys.items()}
        same = all(owners.get(key.public, new.owner[vkey]) == new.owner[vkey] for vkey, key in new.keys.items())
        need(same, "another person's key")
        self.policies.append(new)
        self.person_of |= new.owner

    def take_finding(self, n, t, power):
        need(n['time'] < n['window-until'] <= n['time'] + 72 * HOUR, 'window-until')
        need(n['time'] <= t + 600, 'time')
        need(len(power.people(n.keys, 'assessor')) >= power.bound['finding-assessors'], 'too few assessors')
        n.carried, self.findings[n.id] = False, n

    def carry(self, n, decision, t):  # "It carries"; its assessors: see signatures()
        f, hours = self.findings.get(n['finding']), n.judges[0].bound['finding-hours'] * HOUR
        need(f and not f.carried and all(f[c] == 'met' for c in CRITERIA), 'no finding that carries it')
        need(t < min(f.logged + hours, f['time'] + hours, f['window-until'], LAST), 'its finding is too old')
        need(f['subject-sha256'] == decision['subject-sha256'], 'its finding is about something else')
        need(n is not decision or f['scope'] == n['scope'], 'its finding has another scope')
        n.finding, n.assessed = f, self.live(f.keys, t)

    def signatures(self, n, keys, assessed):
        """What the rules want of the signatures of an impose or continue note and of its finding, under each
        policy that judges it, when these keys count: the live ones, and for "void" the sound ones of them.
        `barred` are the persons who may not review it and are not new to it."""
        for p in n.judges:
            people, bound = p.people(keys), p.bound
            need(p.ssh(keys), 'no signature by an SSH key')
            if n.rule == 'emergency':
                approvers = p.people(keys, 'approver', 'independent') - n.finding.persons
                enough = len(p.people(assessed, 'assessor')) >= bound['finding-assessors']
                need(enough, 'too few assessors of its finding')
                need(len(approvers) >= bound['emergency-approvers'] < len(people), 'approvers and one more')
            elif n.rule == 'validated': need(p.people(keys, 'reviewer') - n.barred, 'no outside reviewer')
            else: need(len(people) >= bound[n.rule + '-officers'], 'too few officers')
            need(n.rule != 'order' or p.people(keys, 'legal'), 'nobody with the role legal')
            need(not n.wide or p.quorum(keys), 'so wide a decision needs the policy quorum')
            need(n.rule == n.name or p.people(keys | assessed) - n.barred, 'nobody new')

    def take_impose(self, n, t, power):
        n.rule = n.name = c = n['class']
        n.finding, n.assessed, n.wide, n.continues, n.log_end = None, set(), False, [], n['until']
        need(n['proposed'] <= n['approve-by'] >= t and n['proposed'] <= t + 600, 'proposed or approve-by')
        need(c == 'standing' or n['proposed'] <= n['since'] <= n['approve-by'], 'since')
        need(t < n['until'] > n['since'], 'until')
        need(n['scope'] != 'hostname' or n['hostnames'] == 1, 'more than one hostname')
        need(bool(n['finding']) == (c == 'emergency'), 'finding')
        need(bool(n['order']) == (c == 'order'), 'order')
        need(c != 'emergency' or n['referral'], 'no referral')
        grounds = ('phishing', 'malware', 'child-sexual-abuse')
        need(c != 'abuse' or n['scope'] != 'customer' and n['ground'][0] in grounds, 'scope or ground')
        recent = [d for d in self.decisions.values() if t - d.logged < HOUR]
        hostnames = n['hostnames'] + sum(d['hostnames'] for d in recent)
        running = 1 + sum(d.log_end > t and not self.lifting(d) for d in self.decisions.values())
        for p in n.judges:
            b = p.bound
            need(n['approve-by'] <= n['proposed'] + b['approve-minutes'] * MINUTE, 'approve-by')
            opens = n['withheld'] and n['withheld'][2]
            need(not opens or n['proposed'] < opens <= t + b['withheld-days'] * DAY, 'withheld')
            need(c != 'standing' or n['since'] >= min(t + b['standing-notice-days'] * DAY, LAST), 'too little notice')
            longest = b['emergency-hours'] * HOUR if c == 'emergency' else b[c + '-days'] * DAY
            need(n['until'] <= (t if c == 'order' else n['since']) + longest, 'too long')
            share = max(1, self.config['customers'] * b['customers-percent'] // 100) \
                if self.config else FOREVER
            n.wide |= len(recent) >= b['imposes-per-hour'] or hostnames > b['hostnames-per-hour'] or running > share
        if c == 'emergency': self.carry(n, n, t)
        self.signatures(n, n.keys, n.assessed)
        n.all_persons = n.persons | (n.finding.persons if n.finding else set())
        if n.finding: n.finding.carried = True
        self.decisions[n.id] = n

    def take_continue(self, n, t, power):
        d, n.name = self.decisions.get(n['continues']), n['reason']
        need(d and not self.lifting(d) and d['since'] <= t < d.log_end, 'its target is not running')
        need(bool(n['finding']) == (n.name == 'extended') and bool(n['order']) == (n.name == 'order'),
             'finding or order')
        n.finding, n.assessed, n.wide, n.barred = None, set(), False, d.all_persons
        n.rule = 'emergency' if n.name == 'extended' else n.name
        before = {c.name: c for c in d.continues}
        if n.name != 'order':
            need(d.rule == 'emergency' and not before.keys() & {n.name, 'order'}, 'no emergency, or too late')
        if n.name == 'extended':
            self.carry(n, d, t)
            need('validated' in before, 'no validation')
            need(n.finding.index > before['validated'].index, 'its finding is older than the validation')
        for b in (p.bound for p in n.judges):
            order = n.name == 'order'
            last = t + b['order-days'] * DAY if order else d['since'] + b[n.name + '-hours'] * HOUR
            need(t < n['until'] <= last, 'until')
        self.signatures(n, n.keys, n.assessed)
        if n.finding: n.finding.carried = True
        d.continues.append(n)
        d.log_end, d.all_persons = n['until'], d.all_persons | n.persons

    def may_lift(self, keys, since):
        later = self.policies[self.policies.index(self.power(since)):]
        return any(p.people(keys) for p in later)

    def take_lift(self, n, t, power):
        target = self.decisions.get(n['lifts'])
        need(self.may_lift(n.signed, target.logged if target else t), 'signed by nobody who may')
        cuts = t if t >= self.clock else FOREVER  # "Cap": a lift with an older `logged` cuts nothing
        self.lifts.setdefault(n['lifts'], []).append((n.signed, cuts))

    def lifting(self, d):  # when each of its lifts cuts what is counted
        return [cuts for keys, cuts in self.lifts.get(d.id, []) if self.may_lift(keys, d.logged)]

    def take_suspend(self, n, t, power):
        span = power.bound['suspend-days'] * DAY
        need(n['time'] < n['until'] <= min(n['time'], t + 600) + span, 'time or until')
        people = power.people(n.keys)
        need(power.owner.get(n['key']) in people or len(people) >= 2, 'neither its holder nor two persons')
        self.suspends.append(n)

    def take_refuse(self, n, t, power): need(power.people(n.keys), 'signed by nobody')

    def take_config(self, n, t, power):
        last, key = self.config, self.policies[-1].config
        follows = (last['version'] + 1, last['config-sha256']) if last else (1, None)
        need((n['version'], n['previous']) == follows and n['time'] <= t + 600, 'version, previous or time')
        need(n['config-sha256'] != n['previous'], 'the same configuration again')
        need(key and key.vkey in n.keys, 'the config key has not signed')
        few = len(power.people(n.keys)) < power.bound['config-officers'] or not power.ssh(n.keys)
        need(n['withdrawn'] == n['lowered'] == 0 or not few, 'too few officers')
        self.config = n

    # --- "What is in force" ---
    def void(self, n):  # "Suspensions"
        moments = [n.logged, n.finding.logged] if n.finding else [n.logged]
        try: self.signatures(n, self.sound(n.keys, n.logged), self.sound(n.assessed, *moments))
        except ValueError: return True
        return False

    def end(self, d, cap, void):  # "End", and the end without orders, if these continue notes are void
        end, ordered = min(d['until'], cap), None
        for n in d.continues:
            if n in void: end = min(end, n['until'])
            elif n.name != 'order': end = min(n['until'], cap)
            elif n.logged < end: end, ordered = n['until'], n.logged if ordered is None else ordered
        return end, end if ordered is None else ordered

    def ends(self, customers):  # "Cap" and "End" of each decision; `customers`: by hash of the subjects held
        earlier = []
        for d in self.decisions.values():
            void = [n for n in d.continues if self.void(n)]
            validated = [n for n in d.continues if n.name == 'validated']
            void += [n for n in d.continues if n.name == 'extended' and validated[0] in void]
            d.confirmed, d.confirmed_by_log = bool([n for n in validated if n not in void]), bool(validated)
            b, customer = d.judges[0].bound, customers.get(d['subject-sha256'])
            def cap(confirmed, counted):  # names of attributes: there are two caps
                if d.rule != 'emergency' or not customer: return FOREVER
                hours, loose = b['extended-hours'] * HOUR, b['emergency-hours'] * HOUR
                for e in (e for e in earlier if customers[e['subject-sha256']] == customer):
                    ran = max(0, getattr(e, counted) - max(e['since'], d['since'] - 30 * DAY))
                    hours, loose = hours - ran, loose - (0 if getattr(e, confirmed) else ran)
                return d['since'] + (hours if getattr(d, confirmed) else min(hours, loose))
            by_log, lifted = cap('confirmed_by_log', 'counted_by_log'), self.lifting(d)
            d.counted_by_log = min([self.end(d, by_log, [])[1], *lifted])
            d.counted = min([self.end(d, by_log, [n for n in void if n.name == 'order'])[1], *lifted])
            d.end = self.end(d, cap('confirmed', 'counted'), void)[0]
            if d.rule == 'emergency' and customer: earlier.append(d)

    def in_force(self, t):
        return [d for d in self.decisions.values()
                if d['since'] <= t < d.end and not self.lifting(d) and not self.void(d)]

# --- The ledger as files: notes.md "Entries" and "Blobs", C2SP tlog-tiles and tlog-checkpoint ---
def tiles(where, level, size):  # path and bytes of each
    for index in range((size + 255) // 256):
        *head, last = [part.zfill(3) for part in f'{index:,}'.split(',')]
        path = Path(where, 'tile', level, *['x' + part for part in head], last)
        width = min(256, size - 256 * index)
        if width < 256: path = Path(f'{path}.p', str(width))
        need(path.is_file(), f'{path} is missing')
        yield path, path.read_bytes(), width

def read_entries(where, size):
    for path, data, width in tiles(where, 'entries', size):
        for _ in range(width):
            end = 2 + int.from_bytes(data[:2], 'big')
            need(2 <= end <= len(data), f'{path} is cut short')
            yield data[2:end]
            data = data[end:]
        need(not data, f'{path} goes on')

def check_tiles(where, hashes, level=0):
    for index, (path, data, _) in enumerate(tiles(where, str(level), len(hashes))):
        need(data == b''.join(hashes[256 * index:][:256]), f'{path} differs from the entries')
    above = [root(hashes[i:i + 256]) for i in range(0, len(hashes) - 255, 256)]
    if above: check_tiles(where, above, level + 1)

def read_subject(data, origin):  # notes.md "Blobs": its customer
    m = re.fullmatch(rf'portcullis-subject/v1\norigin {re.escape(origin)}\ncase {ID}\nsalt {HASH}\n'
        rf'customer ({ID})\nscope (?:customer|(?:tenant|site) {ID}|hostname ({HOSTNAME}))\n'
        rf'((?:hostname {HOSTNAME}\n){{1,10000}})((?:fact .+\n){{0,50}})', decode(data, 'a subject'))
    need(m and len(data) <= 2**20, 'not a subject')
    hostnames = re.findall('hostname (.+)', m[3])
    need(hostnames == sorted({*hostnames}) and (not m[2] or hostnames == [m[2]]), 'its hostnames')
    for fact in re.findall('fact (.+)', m[4]): value('sentence', fact)
    return m[1]

def read_customers(where, fold):  # by their hashes, the customers of the decisions' subjects that are held
    for path in Path(where).glob('blob/*'):
        true = not re.fullmatch(HASH, path.name) or sha256(path.read_bytes()).hex() == path.name
        need(true, f'{path} is not what its name says')
    customers = {}
    for d in fold.decisions.values():
        path = Path(where, 'blob', d['subject-sha256'])
        try: customers[path.name] = read_subject(path.read_bytes(), fold.origin)
        except (ValueError, OSError):
            print(f'the subject of {d.id} is not held: no cap, and nothing to enforce', file=sys.stderr)
    return customers

def check(where, trust, at, demo):  # the fold; of each entry kind, id, why it was rejected; root; witnesses
    m = re.fullmatch(rf'portcullis-trust/v1 ({ORIGIN}) (\S+) ({HASH})\n?', decode(Path(trust).read_bytes(), trust))
    need(m, f'{trust} is not a trust line')
    text, lines = open_note(Path(where, 'checkpoint').read_bytes())
    head = re.fullmatch(rf'{re.escape(m[1])}\n([1-9][0-9]*)\n(\S+)\n(?:.+\n)*', text)
    need(head, 'the checkpoint is not one of this log')
    fold, entries = Fold(m[1], m[2]), []
    for index, raw in enumerate(read_entries(where, number(head[1]))):
        need(index or sha256(raw).hex() == m[3], 'entry 0 is not the one that the trust line names')
        note, why = None, None
        try:
            stamp = re.match(rf'logged ({NUMBER})\n'.encode(), raw)
            need(stamp, 'no time')
            logged, note = number(stamp[1].decode(), 0, LAST), Note(index, raw[stamp.end():])
            need(index or note.kind == 'policy', 'not a policy')
            fold.take(note, logged)
        except ValueError as error: why = str(error)
        need(index or not why, f'entry 0: {why}')
        fold.leaves.append(sha256(b'\0' + raw))
        entries.append((note and note.kind, note and note.id, why))
    need(demo or not fold.policies[0].demo and not m[1].startswith('demo:'), 'a demo log: --demo takes it')
    need(root(fold.leaves) == unbase64(head[2]), "the entries' root is not the checkpoint's")
    check_tiles(where, fold.leaves)
    power = fold.power(at)
    try: seen = signers(text, lines, [fold.policies[-1].log, *power.witnesses])
    except ValueError as error: raise ValueError(f'the checkpoint: {error}')
    need(fold.policies[-1].log.vkey in seen, 'the checkpoint is not signed by the newest log key')
    witnesses = [w.name for w in power.witnesses if w.vkey in seen]
    need(len(witnesses) >= power.bound['witness-quorum'], 'too few witnesses cosigned the checkpoint')
    fold.ends(read_customers(where, fold))
    return fold, entries, head[2], witnesses

def main():
    parser = argparse.ArgumentParser(description='Checks a Portcullis ledger.')
    parser.add_argument('dir'), parser.add_argument('trust', help='a file with the trust line')
    parser.add_argument('--json', action='store_true')
    parser.add_argument('--at', type=int, default=int(time.time()), help='what is in force at this Unix time')
    parser.add_argument('--demo', action='store_true', help='take the log of a demonstration')
    a = parser.parse_args()
    try: fold, entries, root64, witnesses = check(a.dir, a.trust, a.at, a.demo)
    except (ValueError, OSError) as error: sys.exit(f'not proven: {error}')
    force = [{'id': d.id, 'until': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(d.end))}
             for d in fold.in_force(a.at)]
    if a.json:
        rows = [{'index': i, 'kind': kind, 'id': ident, 'effect': not why}
                for i, (kind, ident, why) in enumerate(entries)]
        return print(json.dumps({'size': len(entries), 'root': root64, 'entries': rows, 'in_force': force,
                                 'witnesses': witnesses}))
    for i, (kind, ident, why) in enumerate(entries):
        print(i, kind or '-', ident or '-', f'rejected: {why}' if why else 'applied')
    for d in force: print(f'in force: {d["id"]} until {d["until"]}')
    print(f'proven: size {len(entries)}, root {root64}, witnesses:', ', '.join(witnesses) or 'none')

if __name__ == '__main__': main()
