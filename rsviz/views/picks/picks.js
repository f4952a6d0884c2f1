// Charts whose parts are buttons. What is chosen comes with the data; a click is only told.

const shown = new WeakMap(); // root -> what is drawn in it, as text

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".picks");
  root.tell = (place) => setTriggerValue("click", place);
  const text = JSON.stringify(data);
  if (shown.get(root) === text) return;
  shown.set(root, text);
  const focused = root.getRootNode().activeElement?.dataset?.place;
  root.className = `picks ${data.kind}`;
  root.replaceChildren(...DRAWERS[data.kind](data, root));
  if (focused) root.querySelector(`[data-place="${focused}"]`)?.focus();
}

function el(tag, className, attributes = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function pick(root, place, className, attributes, ...children) {
  const node = el("button", className, { type: "button", "data-place": place.join(","), ...attributes }, ...children);
  node.onclick = () => root.tell(place);
  return node;
}

function matrix(data, root) {
  const { counts, shares, names, colours, chosen, marked } = data;
  const table = el("div", "grid", { role: "grid", "aria-label": "Confusion matrix: rows true, columns predicted" });
  table.style.setProperty("--classes", names.length);
  const header = el("div", "line", { role: "row" }, el("div", "corner", { role: "columnheader" }, el("span", "", {}, "true ↓"), el("span", "", {}, "predicted →")));
  names.forEach((name, j) => header.append(
    el("div", "column", { role: "columnheader" }, named(root, [-1, j], name, colours[j], chosen))));
  table.append(header);
  counts.forEach((row, i) => {
    const line = el("div", "line", { role: "row" },
      el("div", "row", { role: "rowheader" }, named(root, [i, -1], names[i], colours[i], chosen)));
    row.forEach((count, j) => line.append(cell(root, data, count, shares[i][j], i, j, chosen, marked)));
    table.append(line);
  });
  steer(table, names.length);
  return [el("div", "scroll", {}, table),
    el("p", "how", {}, key("right"), " right  ", key("wrong"),
      " wrong; the deeper, the greater the share of the true class. Choose a cell or a class name.")];
}

function named(root, place, name, colour, chosen) {
  const on = place[0] === chosen[0] && place[1] === chosen[1];
  const dot = el("i", "dot");
  dot.style.background = colour;
  return pick(root, place, "name", { "aria-pressed": on, title: `${place[1] < 0 ? "True" : "Predicted"}: ${name}` },
    el("span", "", {}, name), dot);
}

function cell(root, { names }, count, share, i, j, chosen, marked) {
  const on = (chosen[0] === i || chosen[0] < 0) && (chosen[1] === j || chosen[1] < 0) && Math.max(...chosen) >= 0;
  const about = `${count} pixels of ${names[i]} taken for ${names[j]}, ${(100 * share).toFixed(1)} % of the class`;
  const node = pick(root, [i, j], `cell ${i === j ? "right" : "wrong"}`, {
    role: "gridcell", "aria-pressed": on, "aria-label": about, title: about, tabindex: i + j ? -1 : 0,
  }, count ? String(count) : "");
  node.style.setProperty("--depth", count ? 0.1 + 0.7 * (i === j ? share : Math.sqrt(share)) : 0);
  if (marked && marked[0] === i && marked[1] === j) node.classList.add("marked");
  return node;
}

/** One stop for the tab key; arrows move between cells. */
function steer(table, size) {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  table.onkeydown = (event) => {
    const move = moves[event.key];
    if (!move || !event.target.classList.contains("cell")) return;
    const [i, j] = event.target.dataset.place.split(",").map(Number);
    const to = [i + move[0], j + move[1]].map((at) => Math.min(size - 1, Math.max(0, at)));
    const next = table.querySelector(`.cell[data-place="${to}"]`);
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
}

const key = (kind) => el("i", `key ${kind}`);

function bars(data, root) {
  const list = el("div", "list", { role: "group", "aria-label": data.title });
  data.items.forEach((item, i) => {
    const fill = el("span", "fill");
    fill.style.width = `${100 * (item.share ?? 0)}%`;
    fill.style.background = item.colour;
    const about = item.about || `${item.name}: ${item.note}`;
    list.append(pick(root, [i], "bar", { "aria-pressed": item.chosen, "aria-label": about, title: about },
      el("span", "label", {}, item.name), el("span", "track", {}, fill), el("span", "note", {}, item.note)));
  });
  const head = [el("span", "title", {}, data.title)];
  if (data.axis) head.push(el("span", "axis", {}, data.axis));
  return [el("div", "head", {}, ...head), list];
}

function pictures(data, root) {
  const tiles = data.items.map((item, i) => pick(root, [i], "tile", { "aria-pressed": item.chosen },
    el("img", "", { src: item.image, alt: "" }), el("span", "title", {}, item.title), el("span", "note", {}, item.note)));
  return [el("div", "tiles", {}, ...tiles)];
}

const DRAWERS = { matrix, bars, pictures };
