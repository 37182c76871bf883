"""What is sent again and again, compressed once, and not at all to whoever has it already."""

from __future__ import annotations

import gzip
import hashlib
import re

from aiohttp import ETag, web

_WORTH_IT = 1024  # bytes; what is shorter is sent as it is


class File:
    """A body with its type; ``etag`` names its content."""

    def __init__(self, body: bytes, kind: str) -> None:
        self.kind = kind
        self.etag = digest(body)
        self._plain = body
        self._compressed = gzip.compress(body, mtime=0) if len(body) >= _WORTH_IT else b""

    def answer(self, request: web.Request, headers: dict[str, str]) -> web.Response:
        """The answer to a request, which may know this content."""
        etag = ETag(self.etag, is_weak=True)  # compressed or not
        if any(each.value in (etag.value, "*") for each in request.if_none_match or ()):
            response = web.Response(status=304, headers=headers)
        else:
            response = self._whole(request, headers)
        response.etag = etag
        response.headers["Vary"] = "Accept-Encoding"
        return response

    def _whole(self, request: web.Request, headers: dict[str, str]) -> web.Response:
        response = web.Response(body=self._plain, headers=headers)
        if self._compressed and _takes_gzip(request.headers.get("Accept-Encoding", "")):
            response.body = self._compressed
            response.headers["Content-Encoding"] = "gzip"
        response.content_type, response.charset = self.kind, "utf-8"
        return response


def _takes_gzip(accepted: str) -> bool:
    """Whether it is among the codings that are accepted, and not with the weight 0."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False


def digest(content: bytes) -> str:
    """A name for content."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()
