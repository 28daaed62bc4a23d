"""One request to the control surface, and its answer."""

import http.client
import json
import ssl
import urllib.error
import urllib.request

from .errors import Refused, Unreachable

#: How long an answer may take on the wall, in seconds. A month of a large estate takes minutes.
ANSWER_SECONDS = 600


class Control:
    """Asks the surface below `/switchback` of one server."""

    def __init__(self, url, ca_file):
        self._base = f"{url}/switchback/"
        # The server is on this machine: no proxy of the environment stands between.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(ca_file))),
        )

    def ask(self, method, path, body=None):
        """The answer as data, or `None` for an empty one. Raises `Refused` for an error and `Unreachable` where there is no answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, method=method)
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{method} {self._base}{path}: {error}") from error
        return json.loads(text) if text else None


def _refusal(error):
    text = error.read()
    try:
        told = json.loads(text)["error"]
        return Refused(error.code, told["code"], told["message"])
    except (ValueError, KeyError, TypeError):
        return Refused(error.code, error.reason, text.decode(errors="replace"))
