"""The contract by subject: a clause stands on its check, beside the probe that it needs."""
