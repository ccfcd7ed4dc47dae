"""The OpenAPI document of what programs may call: made from the doors, the handlers and the Structs that travel.

A handler says with ``opt={"body": Struct}`` what it reads, and with ``opt={"data": Struct}`` what its answer's ``data``
is, where a Struct says it. ``opt={"bare": True}`` marks an answer outside the envelope, ``opt={"otlp": NAME}`` one of
OpenTelemetry's, with the name of the count that it may bring.
"""

import inspect
from functools import cache
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter
from litestar.routes import HTTPRoute

import arena
from arena.accounts.guards import Who
from arena.doors import BY_ROUTE, Door
from arena.web.api import PROTOBUF
from arena.web.errors import PROGRAMS

VERSION = "3.1.0"
SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "timestamp": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Timestamp",
        "description": "Unix seconds, within 300 of the server's clock.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Signature",
        "description": "Lower-case hex HMAC-SHA256 over `<X-Timestamp>:<raw body>`, keyed with the API key.",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": "arena"},
    "slack": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Slack-Signature",
        "description": "`v0=` and hex HMAC-SHA256 over `v0:<X-Slack-Request-Timestamp>:<raw body>`, as Slack signs.",
    },
}
PROOFS: dict[Who, list[dict[str, list[str]]]] = {
    "anybody": [],
    "reader": [{}, {"key": []}, {"session": []}],
    "member": [{"session": []}],
    "admin": [{"session": []}],
    "monitor": [{}, {"bearer": []}],
    "key": [{"key": []}, {"bearer": []}],
    "signature": [{"key": [], "timestamp": [], "signature": []}],
    "slack": [{"slack": []}],
    "person": [{"key": [], "timestamp": [], "signature": []}, {"session": []}],
}
REFUSALS = {
    400: "Something sent cannot be understood; the sentence names the field and the reason.",
    401: "The key, the signature or the web session is missing or not good.",
    403: "Known, and not allowed.",
    404: "There is nothing here, or nothing that this caller may know of.",
    409: "It clashes with what is there already.",
    413: "The body is larger than the box takes.",
    426: "The client is older than the box accepts.",
    429: "Too many requests; `Retry-After` says how many seconds to wait, `X-RateLimit-Reset` until when (epoch ms).",
    503: "The box cannot do it just now; nothing was half done.",
}
ENVELOPE = {
    "type": "object",
    "properties": {
        "success": {"type": "boolean"},
        "data": {},
        "meta": {
            "type": "object",
            "properties": {"timestamp": {"type": "string", "format": "date-time"}},
            "required": ["timestamp"],
        },
    },
    "required": ["success", "data", "meta"],
}
REFUSAL = {
    "type": "object",
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"}},
            "required": ["code", "message"],
        },
        "meta": ENVELOPE["properties"]["meta"],  # type: ignore[index]
    },
    "required": ["success", "error", "meta"],
}
STATUS = {
    "type": "object",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}
"""A google.rpc.Status."""
BARE_REFUSAL = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}


@cache
def document(app: Litestar, address: str) -> bytes:
    """Write the document of the routes that an application has, as JSON. ``address`` is where it is served."""
    paths: dict[str, Any] = {}
    structs: list[Any] = []
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path_format.startswith(PROGRAMS):
            for handler in route.route_handlers:
                if handler.opt.get("page"):  # a browser opens it, no program
                    continue
                for method in sorted(handler.http_methods & {"GET", "POST", "PATCH", "PUT", "DELETE"}):
                    door = BY_ROUTE[method, route.path_format]
                    paths.setdefault(route.path_format, {})[method.lower()] = _operation(door, handler)
                    structs += [handler.opt[name] for name in ("body", "data") if name in handler.opt]
    _, schemas = msgspec.json.schema_components(structs, ref_template=REF)
    text = msgspec.json.encode(
        {
            "openapi": VERSION,
            "info": {"title": "arena", "version": arena.__version__, "description": _prose(arena.__doc__)},
            "servers": [{"url": address}],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": {**schemas, "Refusal": REFUSAL, "BareRefusal": BARE_REFUSAL, "Status": STATUS},
                "securitySchemes": SCHEMES,
            },
        }
    )
    return text.replace(rb"\\Z", b"$")  # Python's end of a pattern, as JSON Schema's dialect writes it


BYTES = {"type": "string", "format": "binary"}
REF = "#/components/schemas/{name}"


def _operation(door: Door, handler: HTTPRouteHandler) -> dict[str, Any]:
    summary, _, description = _prose(handler.fn.__doc__).partition("\n\n")
    made: dict[str, Any] = {
        "operationId": f"{door.method.lower()}{door.path.replace('/', '_').replace('{', '').replace('}', '')}",
        "summary": summary.replace("\n", " "),
        "security": PROOFS[door.who],
        "parameters": _parameters(handler),
        "responses": _responses(door, handler),
    }
    if description:
        made["description"] = description
    if body := handler.opt.get("body"):
        (schema,), _ = msgspec.json.schema_components([body], ref_template=REF)
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if "otlp" in handler.opt:
        made.setdefault("requestBody", {"content": {}})["content"][PROTOBUF] = {"schema": BYTES}
    return made


def _parameters(handler: HTTPRouteHandler) -> list[dict[str, Any]]:
    found = []
    for name, field in handler.parsed_fn_signature.parameters.items():
        where = {PathParameter: "path", QueryParameter: "query"}.get(type(field.kwarg_definition))  # type: ignore[arg-type]
        if where is None:
            continue
        schema = msgspec.json.schema(field.annotation)
        if field.has_default:
            schema["default"] = field.default
        found.append({"name": name, "in": where, "required": where == "path", "schema": schema})
    return found


def _responses(door: Door, handler: HTTPRouteHandler) -> dict[str, Any]:
    bare = handler.opt.get("bare", False)
    data: Any = {}
    if struct := handler.opt.get("data"):
        (data,), _ = msgspec.json.schema_components([struct], ref_template=REF)
    good = data if bare else {**ENVELOPE, "properties": {**ENVELOPE["properties"], "data": data}}  # type: ignore[dict-item]
    refused = {"$ref": REF.format(name="BareRefusal" if bare else "Refusal")}
    statuses = _good_statuses(door)
    if rejected := handler.opt.get("otlp"):
        good, refused, statuses = _partial(rejected), {"$ref": REF.format(name="Status")}, (200,)
    made = {str(status): _response("Done.", good) for status in statuses}
    made.update({str(status): _response(sentence, refused) for status, sentence in REFUSALS.items()})
    if rejected:
        for response in made.values():
            response["content"][PROTOBUF] = {"schema": BYTES}
    return made


def _partial(rejected: str) -> dict[str, Any]:
    properties = {rejected: {"type": "string"}, "errorMessage": {"type": "string"}}
    return {"type": "object", "properties": {"partialSuccess": {"type": "object", "properties": properties}}}


def _good_statuses(door: Door) -> tuple[int, ...]:
    return (200,) if door.method == "GET" else (200, 201, 202)


def _response(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _prose(doc: str | None) -> str:
    return inspect.cleandoc(doc or "")
