"""The meaning of a stack's status for the next deployment.

The statuses are those of the CloudFormation User Guide, "Stack status codes".
"""

#: A stack under review is only a change set that nobody carried out. SAM creates the stack.
DEPLOYABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "REVIEW_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
#: The stack in which SAM keeps its bucket for what it uploads, once in each region, and the states in which
#: it has one. `sam deploy` fails in any other, with words that name no way out.
SAM_STACK = "aws-sam-cli-managed-default"
SAM_HAS_ITS_BUCKET = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
NEVER_CREATED = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
#: The command to run first, by the stack's status.
WAYS_OUT = {
    "DELETE_FAILED": "scripts/ops/destroy.sh {stage}",
    "UPDATE_FAILED": "aws cloudformation rollback-stack --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}",
    **dict.fromkeys(NEVER_CREATED, "scripts/ops/destroy.sh {stage} --with-data"),
}


def obstacle(stage: str, name: str, status: str | None) -> str | None:
    """Return why the stack cannot be deployed to, and what to do; None if it can.

    A stack that does not exist has the status None, and can be deployed to.
    """
    if status is None or status in DEPLOYABLE:
        return None
    if status.endswith("_IN_PROGRESS"):
        return f"The stack {name} is {status}: wait until it is not."
    reason = "its creation failed" if status in NEVER_CREATED else "the last change failed"
    way_out = WAYS_OUT.get(status, "aws cloudformation describe-stack-events --stack-name {name}")
    command = way_out.format(stage=stage, name=name)
    return f"The stack {name} is {status}: {reason}. Run `{command}` first (docs/operations.md)."


def obstacle_of_sam(status: str | None) -> str | None:
    """Return why SAM cannot upload anything, and what to do; None if it can, or will have its stack made."""
    if status is None or status in SAM_HAS_ITS_BUCKET:
        return None
    told = f"SAM's own stack {SAM_STACK} is {status}"
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        return f"{told}: wait until it is not."
    return (
        f"{told}, so it has no bucket. It holds nothing of the service. Run `aws cloudformation delete-stack "
        f"--stack-name {SAM_STACK}` first (docs/operations.md)."
    )
