// The same ground in several images: wheel and buttons zoom all of them, dragging moves all of them,
// the pointer is marked in all of them, and a click picks the pixel below. Keys: arrows, + and -.
// Places are shares (down, right) of the ground; "zoom" is screen pixels for the whole height.

const loupes = new WeakMap();
const STEP = 1.4;
const MOST = 64; // screen pixels a pixel of the finest image

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".loupe");
  let loupe = loupes.get(root);
  if (!loupe) loupes.set(root, (loupe = build(root)));
  loupe.pick = (place) => setTriggerValue("pick", place);
  update(loupe, data);
  return () => loupe.watch.disconnect();
}

function build(root) {
  const loupe = {
    root, panes: [], at: [0.5, 0.5], zoom: 0, pointer: null, drag: null, mark: null,
    place: root.querySelector(".panes"), state: root.querySelector(".state"),
  };
  root.querySelector(".in").onclick = () => zoomBy(loupe, STEP);
  root.querySelector(".out").onclick = () => zoomBy(loupe, 1 / STEP);
  root.querySelector(".whole").onclick = () => { whole(loupe); draw(loupe); };
  loupe.watch = new ResizeObserver(() => draw(loupe));
  return loupe;
}

function update(loupe, data) {
  const ids = data.panes.map((pane) => pane.title).join("\n");
  const first = loupe.ids === undefined;
  if (loupe.ids !== ids) arrange(loupe, data.panes);
  loupe.ids = ids;
  data.panes.forEach((pane, i) => fill(loupe, loupe.panes[i], pane));
  const finest = data.panes.reduce((a, b) => (b.height > a.height ? b : a));
  loupe.size = [finest.height, finest.width];
  const moved = JSON.stringify(data.mark) !== JSON.stringify(loupe.mark);
  loupe.mark = data.mark;
  loupe.watch.disconnect();
  loupe.panes.forEach(({ canvas }) => loupe.watch.observe(canvas));
  if (first) loupe.zoom = Math.max(fit(loupe), 3 * loupe.size[0]); // a fine pixel on three of the screen
  if (moved && data.mark) loupe.at = [...data.mark];
  draw(loupe);
}

function arrange(loupe, panes) {
  loupe.panes = panes.map((pane) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const title = document.createElement("b");
    const note = document.createElement("span");
    caption.append(title, note);
    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    figure.append(caption, canvas);
    listen(loupe, canvas);
    return { figure, title, note, canvas, image: new Image(), url: "" };
  });
  loupe.place.replaceChildren(...loupe.panes.map(({ figure }) => figure));
}

function fill(loupe, pane, { title, note, url }) {
  pane.title.textContent = title;
  pane.note.textContent = note;
  pane.canvas.setAttribute("aria-label", `${title}, magnified`);
  if (pane.url === url) return;
  pane.url = url;
  load(loupe, pane, 0);
}

/** Streamlit may sweep a file away for a moment between two reruns; ask again. */
function load(loupe, pane, failures) {
  const image = new Image();
  image.onload = () => { pane.image = image; draw(loupe); };
  image.onerror = () => failures < 5 && setTimeout(() => load(loupe, pane, failures + 1), 300 * 2 ** failures);
  image.src = new URL(failures ? `${pane.url}?${failures}` : pane.url, document.baseURI).href;
}

function listen(loupe, canvas) {
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(loupe, event.deltaY < 0 ? STEP : 1 / STEP, under(loupe, canvas, event));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    loupe.drag = { x: event.clientX, y: event.clientY, at: [...loupe.at], moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    const { drag } = loupe;
    if (drag) {
      const [dy, dx] = [event.clientY - drag.y, event.clientX - drag.x];
      drag.moved ||= Math.hypot(dx, dy) > 4;
      if (drag.moved) loupe.at = [drag.at[0] - dy / loupe.zoom, drag.at[1] - dx / across(loupe)];
    }
    loupe.pointer = under(loupe, canvas, event);
    draw(loupe);
  });
  canvas.addEventListener("pointerup", (event) => {
    const place = under(loupe, canvas, event);
    const clicked = loupe.drag && !loupe.drag.moved;
    loupe.drag = null;
    if (clicked && place.every((part) => part >= 0 && part < 1)) loupe.pick(place);
  });
  canvas.addEventListener("pointerleave", () => { loupe.pointer = null; draw(loupe); });
  canvas.addEventListener("keydown", (event) => {
    const step = 40;
    const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const zooms = { "+": STEP, "=": STEP, "-": 1 / STEP };
    if (ways[event.key]) {
      const [down, right] = ways[event.key];
      loupe.at = [loupe.at[0] + (down * step) / loupe.zoom, loupe.at[1] + (right * step) / across(loupe)];
      draw(loupe);
    } else if (zooms[event.key]) zoomBy(loupe, zooms[event.key]);
    else if (event.key === "Enter") loupe.pick(loupe.at);
    else return;
    event.preventDefault();
  });
}

/** Screen pixels for the whole width. */
function across(loupe) {
  return (loupe.zoom * loupe.size[1]) / loupe.size[0];
}

/** The zoom at which everything is seen. */
function fit(loupe) {
  const { clientHeight, clientWidth } = loupe.panes[0].canvas;
  return Math.min(clientHeight, (clientWidth * loupe.size[0]) / loupe.size[1]) || 100;
}

function whole(loupe) {
  loupe.at = [0.5, 0.5];
  loupe.zoom = fit(loupe);
}

/** The place below the pointer. */
function under(loupe, canvas, event) {
  const box = canvas.getBoundingClientRect();
  const [y, x] = [event.clientY - box.top - box.height / 2, event.clientX - box.left - box.width / 2];
  return [loupe.at[0] + y / loupe.zoom, loupe.at[1] + x / across(loupe)];
}

function zoomBy(loupe, factor, fixed = loupe.at) {
  const before = loupe.zoom;
  loupe.zoom = Math.min(Math.max(before * factor, fit(loupe)), MOST * loupe.size[0]);
  const share = before / loupe.zoom;
  loupe.at = loupe.at.map((part, i) => fixed[i] + (part - fixed[i]) * share);
  draw(loupe);
}

function draw(loupe) {
  if (!loupe.panes.length || !loupe.panes[0].canvas.clientWidth) return;
  loupe.zoom = Math.max(loupe.zoom, fit(loupe));
  loupe.at = loupe.at.map((part) => Math.min(1, Math.max(0, part)));
  for (const { canvas, image } of loupe.panes) {
    const ratio = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const [high, wide] = [loupe.zoom, across(loupe)];
    const [top, left] = [height / 2 - loupe.at[0] * high, width / 2 - loupe.at[1] * wide];
    pen.imageSmoothingEnabled = image.naturalHeight > high * ratio;
    if (image.naturalWidth) pen.drawImage(image, left, top, wide, high);
    if (loupe.mark) ring(pen, left + loupe.mark[1] * wide, top + loupe.mark[0] * high);
    if (loupe.pointer) cross(pen, left + loupe.pointer[1] * wide, top + loupe.pointer[0] * high);
  }
  loupe.state.textContent = `${(loupe.zoom / loupe.size[0]).toPrecision(2)} screen pixels a fine pixel`;
  loupe.root.dataset.zoom = loupe.zoom;
  loupe.root.dataset.at = loupe.at.join(" ");
}

function ring(pen, x, y) {
  for (const [colour, width] of [["#fff", 5], ["#d6336c", 2.5]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.arc(x, y, 9, 0, 2 * Math.PI);
    pen.stroke();
  }
}

function cross(pen, x, y) {
  for (const [colour, width] of [["#fffc", 3], ["#000c", 1]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x - 12, y); pen.lineTo(x - 4, y); pen.moveTo(x + 4, y); pen.lineTo(x + 12, y);
    pen.moveTo(x, y - 12); pen.lineTo(x, y - 4); pen.moveTo(x, y + 4); pen.lineTo(x, y + 12);
    pen.stroke();
  }
}
