"""Which models are here, how good, from which paper and data?"""

from rsviz.views import catalogue, shell

with shell.page(
    "Which models are here, and how good are they?",
    "Every model with its paper, what it needs, and what was measured with the code of this app. "
    "Compare the random split with the split by blocks before you trust a number.",
    __file__,
    uses_scene=False,
) as session:
    card = catalogue.overview(session)
    if card is not None:
        catalogue.details(card)
