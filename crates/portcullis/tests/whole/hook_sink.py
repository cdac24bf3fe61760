"""A webhook that is not ours: takes pages over TLS and checks their signature with Python's own HMAC.

    hook_sink.py CERTIFICATE KEY SECRET

Says `listening PORT`, then a line of JSON for each page.
"""

import hashlib
import hmac
import http.server
import json
import ssl
import sys

certificate, key, secret = sys.argv[1:4]


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        want = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        good = hmac.compare_digest(want, self.headers.get("x-portcullis-signature", ""))
        print(json.dumps({"path": self.path, "good": good, "page": json.loads(body)}), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening", server.server_address[1], flush=True)
server.serve_forever()
