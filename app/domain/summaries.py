"""The models of `summary`, which describe field by field the result of each kind's processor.

Summaries are stored and shown as they come. These models only describe them in the API's document.
A field with a default may be left out.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Summary(BaseModel):
    model_config = ConfigDict(defer_build=True)


class AnySummary(Summary):
    """Any JSON object."""

    model_config = ConfigDict(extra="allow")


class FileSummary(Summary):
    #: Null if the content is of no known type.
    detected_media_type: str | None


class DatasetSummary(Summary):
    format: Literal["csv", "tsv", "ndjson", "json", "parquet"]
    rows: int
    columns: int


class Exif(Summary):
    """The part of a picture's EXIF data that says nothing about people or places."""

    make: str = Field(default_factory=str)
    model: str = Field(default_factory=str)
    lens_make: str = Field(default_factory=str)
    lens_model: str = Field(default_factory=str)
    software: str = Field(default_factory=str)
    orientation: int = Field(default_factory=int)
    date_time: str = Field(default_factory=str)
    date_time_original: str = Field(default_factory=str)
    exposure_time: float = Field(default_factory=float)
    f_number: float = Field(default_factory=float)
    iso: float = Field(default_factory=float)
    focal_length: float = Field(default_factory=float)
    focal_length_35mm: float = Field(default_factory=float)


class ImageSummary(Summary):
    """Width and height are those of the upright picture."""

    format: Literal["png", "jpeg", "gif", "webp", "tiff", "bmp", "avif", "heif"]
    width: int
    height: int
    frames: int
    mode: str
    exif: Exif


class DocumentSummary(Summary):
    #: Null for a text, which has none.
    pages: int | None
    characters: int
    words: int
    title: str = Field(default_factory=str)
    author: str = Field(default_factory=str)
    truncated: bool = Field(default_factory=bool)
    unreadable_pages: int = Field(default_factory=int)
    xfa: bool = Field(default_factory=bool)
    encoding: str = Field(default_factory=str)
    encoding_guessed: bool = Field(default_factory=bool)
    replaced_characters: int = Field(default_factory=int)
