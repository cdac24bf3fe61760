"""A mail server that keeps what it gets and behaves as the recipient's name says. Prints `listening PORT`, then one JSON
object a line for each mail whose text it has.

    defer-1@   451 for the first attempt
    never@     550
    drop-1@    hangs up in the middle of the first text
    vanish-1@  takes the whole text the first time, and hangs up before it says so

Usage: smtp_sink.py CERTIFICATE KEY USER PASSWORD tls|starttls
"""

import asyncio
import base64
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

CERTIFICATE, KEY, USER, PASSWORD, HOW = sys.argv[1:]
SEEN = {}


def first(envelope_or_name, word):
    """Whether this is the first time that somebody of this name is written to, and the name says so."""
    local = envelope_or_name.split("@")[0]
    if not local.startswith(word + "-1"):
        return False
    SEEN[local] = SEEN.get(local, 0) + 1
    return SEEN[local] == 1


def keep(session, envelope, answered):
    print(json.dumps({
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "tls": session.ssl is not None,
        "user": session.auth_data.login.decode() if session.auth_data else None,
        "answered": answered,
        "mail": base64.b64encode(envelope.original_content).decode(),
    }), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("never@"):
            return "550 5.1.1 nobody of that name"
        if first(address, "defer"):
            return "451 4.7.1 come again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if first(envelope.rcpt_tos[0], "vanish"):
            keep(session, envelope, False)
            server.transport.abort()
            return "250 nobody hears this"
        keep(session, envelope, True)
        return "250 2.0.0 kept as 42"


class Sink(SMTP):
    async def smtp_DATA(self, arg):
        if first(self.envelope.rcpt_tos[0], "drop"):
            await self.push("354 go on")
            await self._reader.readline()
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False, auth_data=data)


async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATE, KEY)
    wrapped = HOW == "tls"

    def sink():
        return Sink(
            Handler(), hostname="localhost", authenticator=authenticate, auth_required=True,
            tls_context=None if wrapped else tls, require_starttls=not wrapped, auth_require_tls=not wrapped,
        )

    server = await asyncio.get_running_loop().create_server(sink, "127.0.0.1", 0, ssl=tls if wrapped else None)
    print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
