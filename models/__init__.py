"""The models, one folder each. To add one, add a folder; no other file changes.

A folder `models/<name>/` holds:

    card.py         CARD, a `ModelCard`, and the options dataclass; imports rsviz.core only
    network.py      the network, readable top to bottom, equations numbered
    model.py        a class with load(weights, device) and predict(scene, options, ctx)
    train.py        train(...): the recipe, with seeds; reached by `python -m rsviz train <name>`
    README.md       Paper, What it does, Departures from the paper, Measured, Limits
    weights/        weights.json (records) and safetensors files
    benchmark.json  measured speed, with its conditions; scores in short under `protocols`
    evaluations.json  what `python -m rsviz eval <name> --protocol P --record` measured

The registry, pages, forms, catalogue, command line and contract tests pick it up from the card.
`predict` never looks at the scene's truth, gives exactly the layers that the card declares,
each on a grid that covers the scene, and calls `ctx.step` often enough that a cancel takes
effect within a second.
"""
