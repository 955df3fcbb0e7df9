"""What can be set about the digits; free of torch."""

from __future__ import annotations

from typing import Literal

from replications.core.data.grey.options import GreyOptions


class DigitsOptions(GreyOptions):
    """The digits that scikit-learn carries (Alpaydin and Kaynak, UCI, 1998)."""

    facts = {"height": 8, "width": 8, "train": 1000, "val": 297, "test": 500}

    name: Literal["digits"] = "digits"
