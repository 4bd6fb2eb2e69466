"""The commands of `wharf`."""

import json
import shutil
import sys
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console

from wharf_client import __version__
from wharf_client.cli import kinds, listening, profiles, screen, unfinished
from wharf_client.cli.connection import connect, url
from wharf_client.cli.outcomes import attempt, print_object, raise_first, watch_object
from wharf_client.client import Wharf
from wharf_client.errors import ObjectNotReady, WharfError
from wharf_client.models import Object

PROFILE = "profile.json"

app = typer.Typer(
    name="wharf",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Hand over files to Wharf, look at the results, and follow what happens.\n\n"
    "WHARF_URL is the service (http://127.0.0.1:8000). WHARF_API_KEY or WHARF_TOKEN says who asks.",
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The id of an object.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of objects.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead, one line for each.")]
Watch = Annotated[bool, typer.Option("--watch", help="Wait until it is ready; exit with 5 if it is not.")]
Timeout = Annotated[
    float | None, typer.Option(help="Watch for this many seconds at most; exit with 7 after them.")
]
Kind = Annotated[
    str | None,
    typer.Option(help="One that takes files, by its name in `/v1/kinds`. Otherwise by the media type."),
]
ListedKind = Annotated[str | None, typer.Option(help="Only this kind, by its name in `/v1/kinds`.")]


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"wharf {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Take the options that need no command."""


@app.command()
def put(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False)],
    *,
    watch: Watch = False,
    timeout: Timeout = None,
    kind: Kind = None,
    media_type: Annotated[str | None, typer.Option(help="Otherwise by the file's name.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="KEY:VALUE", help="Repeat it for more.")] = None,
    as_json: Json = False,
) -> None:
    """Upload files and print their ids. The same command goes on with an upload that broke off."""
    labels = pairs(label)
    with connect() as client:
        ended = [attempt(partial(_put, client, file, kind, media_type, labels), file.name) for file in files]
        uploaded = [one for one in ended if not isinstance(one, WharfError)]
        if not (watch and as_json):
            for stored in uploaded:
                print_object(stored, as_json)
        if watch:
            watched = [watch_object(client, one["id"], timeout, as_json, one["name"]) for one in uploaded]
            if kind is None and any(map(kinds.is_misfit, watched)):
                screen.say(f"wharf: --kind {kinds.ANY_KIND} takes a file as it is, whatever is in it.")
            ended += watched
    raise_first(ended)


def _put(
    client: Wharf, file: Path, kind: str | None, media_type: str | None, labels: dict[str, str]
) -> Object:
    media_type = media_type or kinds.media_type_of(file)
    given: dict[str, Any] = {
        "kind": kind or kinds.kind_of(client, media_type),
        "name": file.name,
        "media_type": media_type,
        "labels": labels,
    }
    with unfinished.key_of(url(), file, given) as key, screen.progress_of(file.name) as progress:
        return client.upload(file, **given, idempotency_key=key, progress=progress)


@app.command()
def get(
    object_id: Id,
    *,
    artifact: Annotated[str | None, typer.Option(help="An artifact instead of the payload.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, or - for standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Download a payload or an artifact, and check that it is whole."""
    with connect() as client:
        if output == Path("-"):
            _get_to_stdout(client, object_id, artifact)
            return
        stored = client.read(object_id)
        if stored["result" if artifact else "payload"] is None:
            raise ObjectNotReady(stored)
        to = output or Path(_file_name(artifact or stored["name"], object_id))
        if to.exists() and not force:
            raise WharfError(f"{to} is there already. Use --force to replace it.")
        with screen.progress_of(to.name) as progress:
            client.download(object_id, to, artifact=artifact, progress=progress)
    print(screen.plain(to))


def _get_to_stdout(client: Wharf, object_id: str, artifact: str | None) -> None:
    """Write nothing before all of it is there and checked."""
    with TemporaryDirectory(prefix="wharf-") as scratch:
        got = client.download(object_id, Path(scratch, "payload"), artifact=artifact)
        with got.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _file_name(name: str, object_id: str) -> str:
    """Return a name in this folder, whatever the object is called: no path, and no hidden file."""
    bare = Path(name.replace("\\", "/")).name.lstrip(".")
    return screen.plain(bare)[:200] or object_id


@app.command("ls")
def list_objects(
    *,
    kind: ListedKind = None,
    status: Annotated[str | None, typer.Option(help="pending, processing, ready, rejected …")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="KEY:VALUE", help="Repeat it for more.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 50,
    as_json: Json = False,
) -> None:
    """List objects, newest first."""
    with connect() as client:
        found = client.list(kind=kind, status=status, labels=pairs(label), page_size=min(limit, 100))
        items = list(islice(found, limit))
    if as_json:
        for item in items:
            print_object(item, as_json)
    else:
        screen.output().print(screen.listed(items))


@app.command()
def show(
    object_id: Id,
    *,
    as_json: Json = False,
    svg: Annotated[Path | None, typer.Option(help="Write what is shown as a picture, too.")] = None,
) -> None:
    """Show an object, and the columns of a data set with their distributions."""
    with connect() as client:
        stored = client.read(object_id)
        profile = None if as_json else _profile(client, stored)
    if as_json:
        print_object(stored, as_json)
        return
    console = Console(record=True, width=screen.LEAST_COLUMNS) if svg else screen.output()
    console.print(screen.described(stored))
    if profile is not None:
        console.print(profiles.profile_table(profile), *profiles.notes(profile), sep="\n")
    if svg:
        svg.write_text(screen.as_svg(console), encoding="utf-8")


def _profile(client: Wharf, stored: Object) -> Any:
    """Return the profile of a data set; None if the object has none."""
    artifacts = stored["result"]["artifacts"] if stored["result"] else []
    if PROFILE not in [one["name"] for one in artifacts]:
        return None
    with TemporaryDirectory(prefix="wharf-") as scratch:
        got = client.download(stored["id"], Path(scratch, PROFILE), artifact=PROFILE)
        return json.loads(got.read_bytes())


@app.command()
def rm(object_ids: Ids) -> None:
    """Delete objects with their payloads. To delete one again is not an error."""
    with connect() as client:
        ended = [attempt(partial(client.delete, one)) for one in object_ids]
    raise_first(ended)


@app.command()
def retry(object_ids: Ids, *, watch: Watch = False, timeout: Timeout = None, as_json: Json = False) -> None:
    """Process objects again, such as failed ones."""
    with connect() as client:
        ended: list[Any] = [attempt(partial(client.reprocess, one)) for one in object_ids]
        if watch:
            begun = [one["id"] for one in ended if not isinstance(one, WharfError)]
            ended += [watch_object(client, one, timeout, as_json) for one in begun]
    raise_first(ended)


@app.command()
def tail(
    *,
    after: Annotated[
        str, typer.Option(help="Where to begin: latest, oldest, or a cursor that --cursor has printed.")
    ] = "latest",
    type_: Annotated[list[str] | None, typer.Option("--type", help="Repeat it for more.")] = None,
    kind: ListedKind = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for more, or end.")] = True,
    cursor: Annotated[bool, typer.Option("--cursor", help="Print at the end where to go on.")] = False,
    as_json: Json = False,
) -> None:
    """Follow the events of all your objects."""
    with connect() as client:
        start = None if after == "oldest" else after
        feed = client.events(after=start, types=type_ or (), kind=kind, follow=follow)
        try:
            for event in feed:
                print(json.dumps(event) if as_json else listening.line(event), flush=True)
        except KeyboardInterrupt:
            screen.say("")
            raise
        finally:
            if cursor:
                screen.say(feed.after or "oldest")


@app.command()
def listen(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="A port of this machine.")] = 9000,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Repeat it for more.")] = None,
    secret: Annotated[str | None, typer.Option(help="Verify with this secret, and do not subscribe.")] = None,
) -> None:
    """Receive webhooks on this machine, verify each and print it. For what `make run` runs."""
    with listening.server_on(port) as server:
        try:
            if secret:
                listening.serve(server, secret)
            else:
                with connect() as client:
                    listening.listen(server, client, type_ or ())
        except KeyboardInterrupt:
            screen.say("")
            raise


def pairs(given: Iterable[str] | None) -> dict[str, str]:
    """Return labels by their keys."""
    labels = {}
    for one in given or ():
        key, colon, value = one.partition(":")
        if not colon:
            raise typer.BadParameter(f"A label is KEY:VALUE, not {one!r}.")
        labels[key] = value
    return labels
