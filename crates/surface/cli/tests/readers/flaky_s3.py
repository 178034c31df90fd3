"""An S3 server in memory that answers 500 or 503 to some requests, and some of them late.

Prints its port on the first line. A line on its input ends it; then it prints how many faults it
has injected.
"""

import sys
import threading
import time

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

faults = {"500": 0, "503": 0, "late": 0}
asked = 0
lock = threading.Lock()
servers = DomainDispatcherApplication(create_backend_app)


def flaky(environ, start_response):
    global asked
    with lock:
        asked += 1
        turn = asked
    if environ["REQUEST_METHOD"] != "PUT" or not environ["PATH_INFO"].endswith("/"):
        if turn % 29 == 0:
            kind = "500" if turn % 2 else "503"
            faults[kind] += 1
            start_response(f"{kind} injected", [("Content-Type", "text/plain")])
            return [b"injected"]
        if turn % 53 == 0:
            faults["late"] += 1
            time.sleep(0.3)
    return servers(environ, start_response)


server = make_server("127.0.0.1", 0, flaky, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.readline()
print(faults["500"], faults["503"], faults["late"], flush=True)
