"""Events that are signed as the server signs them."""

import base64
import hashlib
import hmac
import json
import time

KEY = b"a key of the endpoint"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = json.dumps({"object": "event", "id": "evt_1", "type": "response.completed", "data": {"id": "resp_1"}})


def signed(body: str, *, age_s: float = 0, key: bytes = KEY) -> dict[str, str]:
    """The headers of Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks."""
    timestamp = str(int(time.time() - age_s))
    digest = hmac.new(key, f"wh_1.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "wh_1", "webhook-timestamp": timestamp, "webhook-signature": signature}
