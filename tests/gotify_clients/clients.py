"""Clients of gotify for Python. Arguments: URL, name, password. Start it with ./run."""

import asyncio
import base64
import io
import json
import logging
import sys
import urllib.request

import apprise
from gotify import AsyncGotify, Gotify, GotifyError
from gotify_handler import GotifyHandler

LIMIT = 20  # seconds for everything that is waited for
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
url, name, password = sys.argv[1:]


def token(path, what):
    """Makes an application or client, as an app does at its login."""
    login = base64.b64encode(f"{name}:{password}".encode()).decode()
    request = urllib.request.Request(
        url + path,
        json.dumps({"name": what}).encode(),
        {"Authorization": "Basic " + login, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return json.load(answer)["token"]


def fails(status, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except GotifyError as error:
        assert str(status) in str(error), error
        return
    raise AssertionError(f"{call} does not fail")


def sync_client(app, client):
    with Gotify(url, app_token=app, client_token=client) as gotify:
        assert gotify.get_health()["health"] == "green"
        assert gotify.get_version()["version"]
        sent = gotify.create_message("hello", title="t", priority=5, extras={"a::b": {"c": 1}})
        assert (sent["message"], sent["title"], sent["priority"]) == ("hello", "t", 5), sent
        page = gotify.get_messages(limit=1)
        assert page["messages"] == [sent], page
        gotify.delete_message(sent["id"])
        fails(404, gotify.delete_message, sent["id"])
        made = gotify.create_application("disk", description="d")
        made = gotify.update_application(made["id"], "disk", description="e")
        assert made["description"] == "e", made
        image = gotify.upload_application_image(made["id"], io.BytesIO(PNG))["image"]
        with urllib.request.urlopen(f"{url}/{image.replace('/', '%2F')}", timeout=LIMIT) as answer:
            assert answer.read() == PNG
        assert made["id"] in [it["id"] for it in gotify.get_applications()]
        gotify.delete_messages(made["id"])
        gotify.delete_application(made["id"])
        fails(404, gotify.delete_application, made["id"])
        other = gotify.create_client("other")
        assert other["token"] in [it["token"] for it in gotify.get_clients()]
        gotify.delete_client(other["id"])
        user = gotify.create_user("bob", "secret", False)
        gotify.update_user(user["id"], "robert", None, True)
        assert gotify.get_user(user["id"])["name"] == "robert"
        gotify.delete_user(user["id"])
        assert [it["name"] for it in gotify.get_users()] == [name]
        assert gotify.get_current_user()["admin"]
        assert gotify.get_plugins() == []
        gotify.delete_messages()
        assert gotify.get_messages()["messages"] == []


async def next_message(stream):
    return await asyncio.wait_for(anext(stream), LIMIT)


async def async_client(app, client):
    async with AsyncGotify(url, app_token=app, client_token=client) as gotify:
        # It offers compression.
        stream = gotify.stream()
        first = asyncio.create_task(next_message(stream))
        while not first.done():
            sent = await gotify.create_message("over the stream " + "x" * 500)
            await asyncio.wait([first], timeout=0.2)
        assert (await first)["message"] == sent["message"]
        await gotify.delete_messages()
        last = await gotify.create_message("last", priority=0)
        while (await next_message(stream))["id"] != last["id"]:
            pass
        await stream.aclose()


def senders(app, client):
    host = url.removeprefix("http://")
    notifier = apprise.Apprise()
    assert notifier.add(f"gotify://{host}/{app}?priority=high")
    assert notifier.notify(title="apprise", body="from apprise")
    logger = logging.getLogger("disk")
    logger.addHandler(GotifyHandler(url, app))
    logger.error("from logging")
    with Gotify(url, client_token=client) as gotify:
        titles = [it["title"] for it in gotify.get_messages()["messages"]]
    assert titles[:2] == ["ERROR:disk", "apprise"], titles


app, client = token("/application", "python"), token("/client", "python")
sync_client(app, client)
asyncio.run(async_client(app, client))
senders(app, client)
print("done")
