"""The custom resource of the emulator's own tests: its properties say, per request type, how it behaves."""

import io
import zipfile

CODE = """
import json, os, tempfile, time, urllib.error, urllib.request

class ProviderBroken(Exception):
    pass

def handler(event, context):
    if "RequestType" not in event:
        raise KeyError("no request")
    plan = event["ResourceProperties"].get(event["RequestType"], {})
    time.sleep(float(plan.get("delay_seconds", 0)))
    tries = count(event["RequestId"])
    if tries <= int(plan.get("raises", 0)):
        raise ProviderBroken("try %d" % tries)
    if plan.get("silent"):
        return
    default = event.get("PhysicalResourceId") or event["LogicalResourceId"] + "-id"
    response = {"Status": "SUCCESS", "PhysicalResourceId": default}
    response.update({key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")})
    response.update(plan.get("response", {}))
    response = {key: value for key, value in response.items() if value != "(absent)"}
    body = plan.get("body") or json.dumps(response, ensure_ascii=False)
    url = event["ResponseURL"]
    if plan.get("forge_first"):
        put(url + "0", body)
    while put(url, body) >= 500:
        time.sleep(0.1)
    if plan.get("again"):
        put(url, json.dumps({**response, **plan["again"]}))

def count(request_id):
    path = os.path.join(tempfile.gettempdir(), request_id)
    with open(path, "a") as tries:
        tries.write(".")
    return os.path.getsize(path)

def put(url, body):
    request = urllib.request.Request(url, data=body.encode(), method="PUT", headers={"Content-Type": ""})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
"""


def zipped(code: str = CODE, name: str = "app.py") -> bytes:
    """Return a package with `code` as its only file: that of a function has its module `app`."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(name, code)
    return package.getvalue()
