"""The bodies of requests about share links, and of their answers."""

from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field

from app.api.schemas.annotations import Documented
from app.api.schemas.requests import Strict, whole_number
from app.api.schemas.scalars import ArtifactName, Id, Timestamp, Url
from app.domain.json import compact_json
from app.domain.objects.links import LONGEST, Disposition, Link
from app.domain.times import timestamp
from app.services.objects.sharing import NewLink

#: A processor may give an artifact no longer name.
ONE_WEEK = timedelta(days=7)

Seconds = Annotated[
    int,
    Field(ge=1, le=int(LONGEST.total_seconds())),
    BeforeValidator(whole_number),
    Documented(format="int64"),
]
DispositionName = Literal["attachment", "inline"]


class CreateLink(Strict):
    """A link to the payload, or to the artifact that is named. It is valid for a week if not told otherwise.

    `inline` lets a browser show what it opens: pictures (png, jpeg, gif, webp, avif, bmp), PDF, plain text,
    audio and video. The default is `attachment`, which an `<img>` shows too.
    """

    artifact: ArtifactName | None = None
    disposition: DispositionName = "attachment"
    #: In seconds, at most 30 days.
    expires_in: Seconds = int(ONE_WEEK.total_seconds())

    def to_domain(self, idempotency_key: str | None) -> NewLink:
        sent = compact_json(self.model_dump(exclude_unset=True), sort_keys=True)
        return NewLink(
            artifact=self.artifact,
            disposition=Disposition(self.disposition),
            lasts=timedelta(seconds=self.expires_in),
            fingerprint=sha256(sent.encode()).hexdigest(),
            idempotency_key=idempotency_key,
        )


class LinkOut(BaseModel):
    """A share link, without its URL. `artifact` is null if it opens the payload."""

    id: Id
    artifact: str | None
    disposition: DispositionName
    created_at: Timestamp
    expires_at: Timestamp

    @classmethod
    def of(cls, link: Link, **more: str) -> Self:
        return cls(
            id=link.id,
            artifact=link.artifact,
            disposition=link.disposition.value,
            created_at=timestamp(link.created_at),
            expires_at=timestamp(link.expires_at),
            **more,
        )


class LinkWithUrlOut(LinkOut):
    """The link with its URL, which no other answer shows. Anybody who has the URL may open it."""

    url: Url


class LinkList(BaseModel):
    """All links of an object that open, the oldest first."""

    items: list[LinkOut]
