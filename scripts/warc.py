"""Reads a WARC of records that are gzip members each, with nothing but Python, and holds it to the standard's rules.

    python3 scripts/warc.py FILE.warc.gz

Prints one line for each record. Ends with 1 at the first thing that is wrong.
"""

import hashlib
import re
import sys
import zlib

NEEDED = {"WARC-Type", "WARC-Record-ID", "WARC-Date", "Content-Length", "WARC-Block-Digest"}
TYPES = {"warcinfo", "request", "response", "resource", "metadata"}
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def members(data):
    """Each gzip member by itself: a reader that seeks to one must find a whole record."""
    while data:
        unfold = zlib.decompressobj(wbits=31)
        text = unfold.decompress(data) + unfold.flush()
        assert unfold.eof, "a member without an end"
        yield text
        data = unfold.unused_data


def record(text):
    """The fields, in the order written, and the block."""
    head, rest = text.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("utf-8").split("\r\n")
    assert first == "WARC/1.1", first
    fields = dict(line.split(": ", 1) for line in lines)
    assert len(fields) == len(lines), "a field twice"
    length = int(fields["Content-Length"])
    assert rest[length:] == b"\r\n\r\n", "what follows the block"
    return fields, rest[:length]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def main(path):
    seen, named = {}, set()
    with open(path, "rb") as file:
        records = [record(text) for text in members(file.read())]
    assert records[0][0]["WARC-Type"] == "warcinfo", "the first record"
    info = records[0][0]["WARC-Record-ID"]
    for fields, block in records:
        missing = NEEDED - fields.keys()
        assert not missing, missing
        kind, identity = fields["WARC-Type"], fields["WARC-Record-ID"]
        assert kind in TYPES and DATE.fullmatch(fields["WARC-Date"]), fields
        assert re.fullmatch(r"<urn:uuid:[0-9a-f-]{36}>", identity) and identity not in seen, identity
        seen[identity] = kind
        assert fields["WARC-Block-Digest"] == digest(block), "block digest"
        if kind == "warcinfo":
            continue
        assert fields["WARC-Target-URI"] and fields["WARC-Warcinfo-ID"] == info
        if kind in ("request", "response"):
            assert fields["Content-Type"] == f"application/http;msgtype={kind}"
        payload = block.split(b"\r\n\r\n", 1)[-1] if kind in ("request", "response") else block
        if "WARC-Payload-Digest" in fields:
            assert fields["WARC-Payload-Digest"] == digest(payload), "payload digest"
        named.update(fields[name] for name in ("WARC-Concurrent-To", "WARC-Refers-To") if name in fields)
        print(kind, fields["WARC-Target-URI"], len(block), fields.get("WARC-Truncated", "whole"))
    assert named <= seen.keys(), "a record that is not there is referred to"


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (AssertionError, ValueError, KeyError, zlib.error) as wrong:
        sys.exit(f"{sys.argv[1]}: {type(wrong).__name__}: {wrong}")
