"""Who asks: a signed cookie that the app gives out, or the address of whoever sends none.

Films of one visitor are counted together (`Limits.client`), so nobody may choose a name. A page view brings a cookie "id.signature"
with signature = HMAC-SHA256(secret, id); it is out of the scripts' reach and names nobody: the id is drawn at random.

    a valid cookie        its id, and 8 films under way
    none, or a wrong one  "@" and the address (of IPv6 the first 64 bits, which one household has), and 32 films under way together

32, because programs send no cookies and a class that runs its own notebook sits behind one address; not more, because such a name costs
nothing. A lecture hall of 300 browsers behind one address has 300 cookies and is not held up. What this does not stop: whoever fetches
the page again and again has as many cookies. From outside that looks exactly like a lecture hall, so there the bounds of the whole
engine hold, and its equal shares of time.

The cookie has no Path, so a browser sends it below the folder of the page, whatever the subpath. Over https it may come along in a frame of
another site (a Space inside huggingface.co), in a jar of its own there; what another site may ask is decided by its Origin (door.py).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets

from starlette.datastructures import Headers
from starlette.types import Scope

COOKIE = "genviz"


class Visitors:
    """`secret` signs the cookies; with the one in GENVIZ_SECRET they outlive a restart."""

    def __init__(self, secret: str = ""):
        self._secret = (secret or os.environ.get("GENVIZ_SECRET") or secrets.token_hex()).encode()

    def name(self, scope: Scope, headers: Headers) -> str:
        """Under which name this request's films are counted."""
        return next(filter(None, map(self._read, sent(headers))), "") or "@" + address(scope, headers)

    def cookie(self, secure: bool) -> str:
        """A Set-Cookie for somebody new."""
        id = secrets.token_hex(12)
        return f"{COOKIE}={id}.{self._sign(id)}; HttpOnly; " + ("Secure; SameSite=None; Partitioned" if secure else "SameSite=Lax")

    def _sign(self, id: str) -> str:
        return hmac.new(self._secret, id.encode(), hashlib.sha256).hexdigest()[:32]

    def _read(self, value: str) -> str:
        id, _, signature = value.partition(".")
        return id if hmac.compare_digest(signature.encode(), self._sign(id).encode()) else ""


def sent(headers: Headers) -> list[str]:
    """The values of our cookie; several where another app of this computer, on another port, has the same name for its own."""
    pairs = (part.strip().partition("=") for line in headers.getlist("cookie") for part in line.split(";"))
    return [value for name, _, value in pairs if name == COOKIE][:8]


def address(scope: Scope, headers: Headers) -> str:
    """Where a request comes from. The server has read X-Forwarded-For of a proxy on this computer already; a Space can be reached
    through its proxy alone, so there it is read here (an address made up there wins no more than a fresh cookie does)."""
    told = headers.get("x-forwarded-for", "").split(",")[0].strip() if os.environ.get("SPACE_ID") else ""
    plain = told or (scope.get("client") or ("",))[0]
    try:
        known = ipaddress.ip_address(plain)
    except ValueError:
        return plain[:40]
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else str(known)
