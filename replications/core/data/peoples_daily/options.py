"""What can be set about the People's Daily; free of torch."""

from __future__ import annotations

from typing import Literal

from replications.core.data.text.options import SentenceOptions


class PeoplesDailyOptions(SentenceOptions):
    """The People's Daily of January 1998 as Peking University segmented and tagged it; the words
    are single characters."""

    labels = ("seg", "pos")
    sources = ("data/peoples_daily/199801.txt",)
    implementation = "replications.core.data.text.decoding:Sentences"

    name: Literal["peoples_daily"] = "peoples_daily"
