"""Inside a spiking network: spikes on the map, membranes, attention, partners, steps, energy."""
