"""What breaks the stand-in, or makes it unusual in a legal way: how the suite is tested itself.

`table` has every defect, `variants` every legal variant, `make` a gateway with one of them. The
gateway knows nothing of this package; a stand-in without a defect loads only `make`.
"""
