"""One module per noun. A route holds no rule: signature, one call, one conversion."""
