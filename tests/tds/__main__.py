"""The server in a process of its own, told what to do by lines of JSON (see remote.py).

A process, because ODBC drivers may hold Python's lock while they wait for an answer.
"""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path
from typing import Any

from tests.tds.server import TdsServer


def server_for(directory: str, certificate: str, key: str, required: bool) -> TdsServer:
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.maximum_version = ssl.TLSVersion.TLSv1_2  # TDS 7.4 ends there
        tls.load_cert_chain(certificate, key)
    return TdsServer(Path(directory), tls=tls, tls_required=required)


def carry_out(server: TdsServer, order: str, arguments: dict[str, Any]) -> Any:
    match order:
        case "start":
            return server.start().port
        case "stop" | "drop_all" | "clean" | "keep":
            getattr(server, order)(**arguments)
        case "error" | "drop" | "slow":
            getattr(server.faults, order)(**arguments)
        case "deny":
            server.faults.deny(**arguments)
        case "login":
            server.passwords[arguments["user"]] = arguments["password"]
        case "reset":
            server.faults.clear()
            server.log.clear()
            server.logins.clear()
        case "log":
            log = server.log
            return {"statements": log.statements, "round_trips": log.round_trips, "logins": log.logins}
        case "encrypted":
            return [login.encrypted for login in server.logins]
        case _:
            raise ValueError(order)
    return None


def main() -> None:
    server: TdsServer | None = None
    for line in sys.stdin:
        order, arguments = json.loads(line)
        try:
            if server is None:
                server, answer = server_for(**arguments), None
            else:
                answer = carry_out(server, order, arguments)
            said = {"answer": answer}
        except Exception as error:  # the test shall see it
            said = {"error": repr(error)}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    if server is not None:
        server.stop()


if __name__ == "__main__":
    main()
