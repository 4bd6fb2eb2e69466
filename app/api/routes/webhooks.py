"""Webhooks: subscribe, read, change, unsubscribe, rotate the secret."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from app.api.caller import Caller, OwnerRead
from app.api.contracts import (
    CALLER,
    JSON_ANSWER,
    JSON_BODY,
    ON_A_WEBHOOK,
    ONE_WEBHOOK,
    PRECONDITION,
    READ,
    Success,
    documents,
)
from app.api.dependencies import IdempotencyKey, Services
from app.api.http.accept import JSON
from app.api.http.preconditions import AllowedVersions, entity_tag
from app.api.http.route import MERGE_PATCH, StrictRoute
from app.api.schemas.webhooks import (
    CreateWebhook,
    PatchWebhook,
    WebhookList,
    WebhookOut,
    WebhookWithSecretOut,
)
from app.domain.times import utc_now

WebhookId = Annotated[UUID, Path(description="The webhook's `id`.")]
MERGE_PATCH_BODY = {
    "requestBody": {"content": {MERGE_PATCH: {"schema": {"$ref": "#/components/schemas/PatchWebhook"}}}}
}
PATCHES = ("webhook_patch.filter", "webhook_patch.enable")

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=StrictRoute)


@router.post("", status_code=201, operation_id="createWebhook")
@documents(
    requests={JSON: ("webhook_create.ready", "webhook_create.filtered")},
    answers={
        201: Success(
            "Created now or, with `Idempotency-Replayed`, by an earlier request",
            headers=("Location", "ETag", "Idempotency-Replayed"),
            examples=("webhook_created.ready",),
        )
    },
    refuses=(
        *CALLER,
        *JSON_BODY,
        "webhooks_off",
        "invalid_idempotency_key",
        "idempotency_key_reused",
        "object_deleted",
        "too_many_webhooks",
        "concurrent_change",
    ),
    leads_to=ON_A_WEBHOOK,
)
def create_webhook(
    body: CreateWebhook,
    caller: Caller,
    services: Services,
    idempotency_key: IdempotencyKey,
    request: Request,
    response: Response,
) -> WebhookWithSecretOut:
    """Subscribe to your events. Each is sent to the URL, signed with the secret in the answer.

    Keep the secret: only the same request with the same `Idempotency-Key` shows it again.
    """
    creation = services.webhooks.create(caller.owner, body.to_domain(idempotency_key))
    response.headers["Location"] = f"{request.url.path}/{creation.webhook.id}"
    response.headers["ETag"] = entity_tag(creation.webhook.version)
    if creation.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return WebhookWithSecretOut.showing(creation.webhook, utc_now())


@router.get("", operation_id="listWebhooks")
@documents(
    answers={200: Success("All webhooks", examples=("webhooks.all",))},
    refuses=(*CALLER, *READ, *JSON_ANSWER, "webhooks_off"),
)
def list_webhooks(owner: OwnerRead, services: Services) -> WebhookList:
    """List your webhooks, the oldest first. There are at most 16."""
    now = utc_now()
    return WebhookList(items=[WebhookOut.of(one, now) for one in services.webhooks.list(owner)])


@router.get("/{webhook_id}", operation_id="readWebhook")
@documents(
    answers={200: Success("The webhook", headers=("ETag",), examples=("webhook.ready", "webhook.disabled"))},
    refuses=(*ONE_WEBHOOK, *READ, *JSON_ANSWER),
)
def read_webhook(
    webhook_id: WebhookId, owner: OwnerRead, services: Services, response: Response
) -> WebhookOut:
    """Read a webhook. `disabled` says why nothing is sent, `failing_since` that the endpoint fails."""
    webhook = services.webhooks.read(owner, webhook_id)
    response.headers["ETag"] = entity_tag(webhook.version)
    return WebhookOut.of(webhook, utc_now())


@router.patch("/{webhook_id}", operation_id="updateWebhook", openapi_extra=MERGE_PATCH_BODY)
@documents(
    requests={MERGE_PATCH: PATCHES, JSON: PATCHES},
    answers={200: Success("The webhook as it is now", headers=("ETag",), examples=("webhook.ready",))},
    refuses=(*ONE_WEBHOOK, *JSON_BODY, *PRECONDITION, "concurrent_change"),
)
def update_webhook(
    webhook_id: WebhookId,
    body: PatchWebhook,
    caller: Caller,
    services: Services,
    expected: AllowedVersions,
    response: Response,
) -> WebhookOut:
    """Change a webhook by a JSON merge patch (RFC 7396), or switch it on or off with `enabled`.

    A webhook that is enabled again, or has a new URL, is tried at once.
    """
    patch = body.model_dump(exclude_unset=True)
    webhook = services.webhooks.edit(caller.owner, webhook_id, patch, expected=expected)
    response.headers["ETag"] = entity_tag(webhook.version)
    return WebhookOut.of(webhook, utc_now())


@router.delete("/{webhook_id}", status_code=204, operation_id="deleteWebhook", response_class=Response)
@documents(
    answers={204: "Deleted, now or before"}, refuses=(*ONE_WEBHOOK, *PRECONDITION, "concurrent_change")
)
def delete_webhook(
    webhook_id: WebhookId, caller: Caller, services: Services, expected: AllowedVersions
) -> None:
    """Delete a webhook with its log. What is not sent yet is not sent any more."""
    services.webhooks.delete(caller.owner, webhook_id, expected=expected)


@router.post("/{webhook_id}/rotate-secret", operation_id="rotateWebhookSecret")
@documents(
    answers={
        200: Success(
            "The webhook with its new secret", headers=("ETag",), examples=("webhook_created.ready",)
        )
    },
    refuses=(*ONE_WEBHOOK, *JSON_ANSWER, *PRECONDITION, "concurrent_change", "too_many_secrets"),
)
def rotate_webhook_secret(
    webhook_id: WebhookId, caller: Caller, services: Services, expected: AllowedVersions, response: Response
) -> WebhookWithSecretOut:
    """Give the webhook a new secret. The one before it signs too, for 24 hours."""
    webhook = services.webhooks.rotate_secret(caller.owner, webhook_id, expected=expected)
    response.headers["ETag"] = entity_tag(webhook.version)
    return WebhookWithSecretOut.showing(webhook, utc_now())
