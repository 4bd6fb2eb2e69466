"""Measure pictures of 12 and 48 megapixels against Pillow alone and pyvips: `python -m benchmarks.pictures`.

Each run is a process of its own. In each round all ways take their turn on one file, in
a random order. A ratio is the median of the rounds' ratios, ours to the other way's. Beside
them stand the peak of resident memory, the bytes of the preview, and how far the previews
differ: the mean and the largest ΔE (CIE 2000), where 1 is what an eye can just see. Written to
benchmarks/results: pictures.md and pictures.svg.
"""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pyvips
from PIL import Image, ImageDraw

from benchmarks.measuring import Run, megabytes
from benchmarks.rounds import Peer, line, load, loads, machine, table_head, write_results
from benchmarks.samples import MB

ROUNDS = 7
OURS, OTHERS = "ours", ("pillow", "pyvips")
HEAD = ("file", "size", "than", "CPU", "wall", "peak", "its peak", "preview", "its preview", "ΔE mean, max")
TITLE = "Pictures, against peers"
ABOUT = (
    f"`python -m benchmarks.pictures`, medians of {ROUNDS} rounds. Each way makes preview and thumbnail",
    "as WebP; `pillow` is Wharf with Pillow alone. A ratio below 1 means that Wharf takes less. ΔE says how",
    "far the previews differ: 1 is what an eye can just see.",
)
#: Grain of a sensor, in which a photo differs from a drawing.
GRAIN = 0.03


def photo(width: int, height: int) -> Image.Image:
    """Make soft spots of two sizes in random colours, and grain over them."""
    chance = random.Random(1)  # noqa: S311  # not a secret
    fine, coarse = (_spots(chance, width, height, edge) for edge in (8, 100))
    grain = Image.frombytes("L", (width, height), chance.randbytes(width * height)).convert("RGB")
    return Image.blend(Image.blend(fine, coarse, 0.8), grain, GRAIN)


def screenshot() -> Image.Image:
    """Make windows and lines of text in 256 colours."""
    picture = Image.new("RGB", (2880, 1800), "#204060")
    pen = ImageDraw.Draw(picture)
    for left in range(80, 2400, 560):
        pen.rectangle((left, 80 + left // 8, left + 900, 1500), fill="white", outline="grey", width=3)
        for top in range(120 + left // 8, 1480, 22):
            pen.text((left + 20, top), f"line {top} of the window at {left}, " * 3, fill="#303030")
    return picture.quantize(256)


def scan() -> Image.Image:
    """Make a page at 600 dots per inch in grey of 16 bits."""
    page = photo(4960, 7016).convert("L").convert("I")
    return page.point(lambda value: value * 257).convert("I;16")


def _spots(chance: random.Random, width: int, height: int, edge: int) -> Image.Image:
    size = width // edge, height // edge
    colours = Image.frombytes("RGB", size, chance.randbytes(3 * size[0] * size[1]))
    return colours.resize((width, height), Image.Resampling.BICUBIC)


PHOTO_FORMS: Mapping[str, Mapping[str, object]] = {
    "jpeg": {"quality": 90},
    "png": {},
    "webp": {"quality": 85, "method": 2},
    "tiff": {"compression": "tiff_lzw"},
}


def samples(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield a name and a file for each picture, made when it is asked for."""
    for megapixels, size in ((12, (4000, 3000)), (48, (8000, 6000))):
        picture = photo(*size)
        for form, options in PHOTO_FORMS.items():
            path = folder / f"{megapixels}.{form}"
            picture.save(path, form.upper(), **options)
            yield f"{form.upper()}, {megapixels} MP", path
            path.unlink()
    others: Mapping[str, Callable[[], Image.Image]] = {"PNG, screenshot": screenshot, "16-bit scan": scan}
    for name, make in others.items():
        for form in ("png",) if make is screenshot else ("png", "tiff"):
            path = folder / f"other.{form}"
            make().save(
                path, form.upper(), **({"compression": "tiff_adobe_deflate"} if form == "tiff" else {})
            )
            yield f"{name}, {form}" if make is scan else name, path


def measured(way: str, source: Path, output: Path) -> Run:
    output.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "benchmarks.once",
        f"benchmarks.pictures_{way}",
        str(source),
        str(output),
    ]
    return Run(*json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def rows(folder: Path) -> Iterator[Sequence[str]]:
    chance = random.Random(2)  # noqa: S311  # not a secret
    for name, source in samples(folder):
        runs: dict[str, list[Run]] = {way: [] for way in (OURS, *OTHERS)}
        for _ in range(ROUNDS):
            for way in chance.sample(sorted(runs), len(runs)):
                runs[way].append(measured(way, source, folder / way))
        for other in OTHERS:
            yield _row(name, source, other, runs, folder)


def _row(name: str, source: Path, other: str, runs: Mapping[str, list[Run]], folder: Path) -> Sequence[str]:
    pairs = list(zip(runs[OURS], runs[other], strict=True))
    previews = [folder / way / "preview.webp" for way in (OURS, other)]
    mean, largest = difference(*previews)
    return (
        name,
        f"{source.stat().st_size / MB:.1f} MB",
        other,
        f"{median(our.cpu_seconds / its.cpu_seconds for our, its in pairs):.2f}",
        f"{median(our.seconds / its.seconds for our, its in pairs):.2f}",
        *(megabytes(max(run.peak_bytes for run in runs[way])) for way in (OURS, other)),
        *(f"{preview.stat().st_size:,}" for preview in previews),
        f"{mean:.2f}, {largest:.1f}",
    )


def difference(one: Path, other: Path) -> tuple[float, float]:
    """Return the mean and the largest ΔE of two pictures of one size."""
    found = _lab(one).dE00(_lab(other))
    return found.avg(), found.max()


def _lab(path: Path) -> pyvips.Image:
    """Read a WebP by Pillow, because libvips' loader is off wherever the service's own code is loaded."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    pixels = pyvips.Image.new_from_memory(picture.tobytes(), *picture.size, 3, "uchar")
    return pixels.copy(interpretation="srgb").colourspace("lab")


def main(_sizes: Sequence[str] = ()) -> None:
    began, found = load(), []
    print(f"\n{TITLE}\n\n{line(HEAD)}", flush=True)
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        for row in rows(Path(folder)):
            found.append(row)
            print(line(row), flush=True)
    peers = [Peer(name, version(name)) for name in OTHERS]
    head = (f"# {TITLE}", "", *ABOUT, "", machine(peers), loads(began), "", *table_head(HEAD))
    bars = [(row[0], row[2], float(row[3])) for row in found]
    write_results("pictures", [*head, *map(line, found)], bars)


if __name__ == "__main__":
    main()
