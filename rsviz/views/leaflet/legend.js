// Legends of the visible layers: classes with their colours, or a ramp with its range and unit.

const COLOUR = /^#[0-9a-f]{6}([0-9a-f]{2})?$/i;

function drawLegends(place, legends) {
  place.replaceChildren(...legends.filter(Boolean).map(legendOf));
}

function legendOf(legend) {
  const unit = legend.unit ? ` [${legend.unit}]` : "";
  const title = el("div", "legend-title", {}, legend.title + unit);
  const body = legend.entries.length ? entriesOf(legend.entries) : rampOf(legend);
  return el("section", "legend", { "aria-label": `Legend: ${legend.title}` }, title, body);
}

function entriesOf(entries) {
  const items = entries.map(({ name, colour, note }) => {
    const item = el("li", "", {}, swatch(colour), el("span", "", {}, name));
    if (note) item.append(el("span", "note", {}, note));
    return item;
  });
  return el("ul", "", {}, ...items);
}

function swatch(colour) {
  const box = el("span", "swatch", { "aria-hidden": "true" });
  box.style.background = COLOUR.test(colour) ? colour : "transparent";
  return box;
}

function rampOf(legend) {
  const bar = el("div", "ramp", { "aria-hidden": "true" });
  const colours = legend.ramp.filter((c) => COLOUR.test(c));
  bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  const middle = (legend.low + legend.high) / 2;
  const ticks = [legend.low, middle, legend.high].map((v) => el("span", "", {}, number(v)));
  return el("div", "scale", {}, bar, el("div", "ticks", {}, ...ticks));
}
