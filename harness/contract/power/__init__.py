"""How much the contract suite sees: which planted defects it finds, and whom it accuses wrongly."""
