"""The web application of a sandbox: a path prefix for each payer, and `/_sandbox` to look and switch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from claimsctl.errors import UsageError
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.exchange import Call
from claimsctl.sandbox.faults import Dropped
from claimsctl.sandbox.scenarios import SCENARIOS

Endpoint = Callable[[Request], Awaitable[Response]]
DropConnection = Callable[[tuple[str, int]], None]
_SHOWN = 200


def build_app(box: Sandbox, drop: DropConnection) -> Starlette:
    """The application; `drop` closes the connection of a client's address without an answer."""
    routes = []
    for name, contract in box.contracts.items():
        paths = [*contract.paths, *([("POST", contract.token_path, "token")] if contract.token_path else [])]
        for method, path, step in paths:
            endpoint = _endpoint(box, name, step, drop)
            routes.append(Route(f"/{name}{path}", endpoint, methods=[method]))
    routes += [
        Route("/_sandbox/scenario", _scenario(box), methods=["GET", "POST"]),
        Route("/_sandbox/log", _log(box)),
        Route("/{path:path}", _unknown(box), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    return Starlette(routes=routes)


async def _call(box: Sandbox, request: Request, route: str, step: str) -> Call:
    return Call(
        route, step, request.method, dict(request.headers), request.url.query, await request.body(),
        box.next_number(), f"{request.url.scheme}://{request.url.netloc}/{route}",
        request.path_params.get("tail", ""),
    )  # fmt: skip


def _endpoint(box: Sandbox, route: str, step: str, drop: DropConnection) -> Endpoint:
    async def answer(request: Request) -> Response:
        call = await _call(box, request, route, step)
        try:
            return await box.serve(call, request.url.path)
        except Dropped:
            if request.client is not None:
                drop((request.client.host, request.client.port))
            await asyncio.sleep(0.01)  # let the server notice that nobody is there
            return Response()

    return answer


def _scenario(box: Sandbox) -> Endpoint:
    async def switch(request: Request) -> Response:
        if request.method == "POST":
            try:
                asked = await request.json()
                wanted = asked["scenario"]
                texts = [wanted] if isinstance(wanted, str) else [str(each) for each in wanted]
                box.set_scenario(*texts)
            except UsageError as error:
                return JSONResponse({"error": str(error)}, 400)
            except (ValueError, KeyError, TypeError):
                return JSONResponse({"error": 'Send {"scenario": ["error-500=2", ...]}; [] for none.'}, 400)
        return JSONResponse({"scenario": [each.text for each in box.switches.on], "known": list(SCENARIOS)})

    return switch


def _log(box: Sandbox) -> Endpoint:
    async def look(request: Request) -> Response:
        fields = ("at", "route", "step", "method", "path", "status", "scenario")
        last = [
            {name: value for name, value in asdict(each).items() if name in fields}
            for each in box.log[-_SHOWN:]
        ]
        return JSONResponse({"counts": dict(box.counts), "requests": len(box.log), "last": last})

    return look


def _unknown(box: Sandbox) -> Endpoint:
    async def miss(request: Request) -> Response:
        route = request.url.path.strip("/").partition("/")[0]
        call = await _call(box, request, route if route in box.contracts else "", "unknown")
        box.note(call, request.url.path, 404, "")
        said = f"No payer of the sandbox has {request.method} {request.url.path}"
        return JSONResponse({"error": "unknown_path", "error_description": said}, 404)

    return miss
