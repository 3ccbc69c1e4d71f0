"""A TLS-terminating proxy, as stands before many a PACS: tls_proxy.py PORT CERTIFICATE_AND_KEY UPSTREAM_PORT.

Python's ssl (OpenSSL) is an implementation that is not ours. Debian's Orthanc 1.10.1 dies of its own TLS (OpenSSL 3).
"""
import http.client
import http.server
import ssl
import sys

port, pem, upstream = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        onward = http.client.HTTPConnection("127.0.0.1", upstream)
        wanted = {k: v for k, v in self.headers.items() if k.lower() in ("accept", "authorization")}
        onward.request("GET", self.path, headers=wanted)
        answer = onward.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Proxy)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(pem)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
