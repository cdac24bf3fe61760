"""Says whether a mail on stdin is signed by the key in this record, by dkimpy, which is not ours: `pass HEADERS` or `fail`.

Usage: dkim_check.py NAME VALUE < MAIL
"""

import sys

import dkim

NAME, VALUE = sys.argv[1:]
mail = sys.stdin.buffer.read()


def dns(name, timeout=5):
    asked = name.decode() if isinstance(name, bytes) else name
    return VALUE.encode() if asked.rstrip(".") == NAME else None


check = dkim.DKIM(mail)
try:
    good = check.verify(dnsfunc=dns)
except dkim.DKIMException as why:
    print(f"fail {why}")
    sys.exit()
headers = ":".join(sorted({name.decode().lower() for name, _ in check.signed_headers}))
print(f"pass {headers}" if good else "fail")
