"""Controls that keep a share link to what its owner allows."""

from scripts.checks.mutants.row import Row

DOMAIN = "app/domain/objects/links.py"
OF_LINKS = "tests/unit/domain/test_links.py::"
OF_SHARING = "tests/unit/services/objects/test_sharing.py::"

ROWS = (
    Row(
        "a link ends with its time",
        DOMAIN,
        "return self.revoked_at is None and not self.is_over(now)",
        "return self.revoked_at is None",
        (f"{OF_SHARING}test_a_link_whose_time_is_over_is_dead_although_its_items_are_there",),
    ),
    Row(
        "a link ends with its object",
        DOMAIN,
        "return stored.status is not Status.DELETED and stored.created_at == self.object_created_at",
        "return stored.created_at == self.object_created_at",
        (f"{OF_SHARING}test_the_links_of_a_deleted_object_are_dead_before_any_purge",),
    ),
    Row(
        "a link is not one of a later object",
        DOMAIN,
        "stored.status is not Status.DELETED and stored.created_at == self.object_created_at",
        "stored.status is not Status.DELETED",
        (f"{OF_SHARING}test_a_link_never_opens_a_later_object_of_the_same_id",),
    ),
    Row(
        "what could run in a page is never shown inline",
        DOMAIN,
        "if base not in INLINE_TYPES:",
        "if not base:",
        (
            f"{OF_LINKS}test_what_could_run_in_a_page_is_never_shown_inline",
            f"{OF_SHARING}test_a_later_revision_that_could_run_in_a_page_is_no_longer_inline",
        ),
    ),
    Row(
        "an object has at most a hundred links",
        DOMAIN,
        "if len(self.living(now)) >= MOST_LINKS:",
        "if len(self.living(now)) > MOST_LINKS:",
        (f"{OF_LINKS}test_an_object_has_at_most_a_hundred_that_open",),
    ),
    Row(
        "changes of an object's links follow each other",
        "app/storage/links.py",
        '"#write_token = :read_token"',
        '"#write_token = :read_token OR attribute_exists(#write_token)"',
        ("tests/contracts/test_link_repository.py::test_the_second_of_two_writers_is_told",),
    ),
    Row(
        "what a link opens may be embedded, and nothing else",
        "app/api/routes/links.py",
        '"Cross-Origin-Resource-Policy": "cross-origin"',
        '"Cross-Origin-Resource-Policy": "same-origin"',
        ("tests/edges/test_links_over_http.py::test_only_opened_links_may_be_embedded_by_other_origins",),
    ),
)
