"""The routes, one module for each noun. A route holds no rule: signature, one call, one conversion."""
