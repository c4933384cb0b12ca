"""The clauses of the contract as data, one module per topic; `catalogue` has them all."""
