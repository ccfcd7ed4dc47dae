"""Pages with a form, what is posted from them, and the answer that leads on."""

from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from arena.web.render import render
from arena.web.session import form_cookie

PRIVATE = {"cache-control": "no-store"}


def content_security_policy(*leads_to: str) -> str:
    """What a page of ours may load, and where its forms may go; ``leads_to`` are other places they may end up at.

    Browsers follow an answer to a form only to a place that the form's page names.
    """
    targets = " ".join(("'self'", *leads_to))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'; form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


def form_page(
    request: Request[Any, Any, Any], template: str, page: Any, status: int, retry_after: int | None = None
) -> Response[bytes]:
    """Show a form to anybody: its CSRF token comes with the cookie it needs, and no cache keeps it.

    ``retry_after`` are seconds after which it may be sent again.
    """
    csrf, cookie = form_cookie(request)
    cookies = [cookie] if cookie else []
    headers = PRIVATE if retry_after is None else {**PRIVATE, "retry-after": str(retry_after)}
    return render(request, template, page, status=status, csrf=csrf, cookies=cookies, headers=headers)


def see_other(address: str, *cookies: Cookie) -> Response[bytes]:
    """Lead on to another page after a form was taken."""
    return Response(b"", status_code=303, headers={"location": address, **PRIVATE}, cookies=list(cookies))


def field(form: Any, name: str) -> str:
    """A field of a form as text: missing, repeated or a file, it is empty."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
