// One map: its frame, its tools, its position. It lives as long as its place on the page.

const BASEMAPS = {
  osm: {
    name: "OpenStreetMap",
    url: "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
    attribution: "© OpenStreetMap contributors",
    maxNativeZoom: 19,
  },
  esri: {
    name: "Esri imagery",
    url: "https://server.arcgisonline.com/ArcGIS/rest/services/World_Imagery/MapServer/tile/{z}/{y}/{x}",
    attribution: "Imagery © Esri and its suppliers",
    maxNativeZoom: 18,
  },
};

class MapView {
  constructor(L, parent) {
    this.L = L;
    this.nextPane = 0;
    this.values = new Map();
    this.quietUntil = 0;
    this.stack = new LayerStack(this);
    this.frames = new FrameBar(this);
    this.swipe = new Swipe(this);
    this.marks = new Marks(this);
    this.build(parent);
  }

  build(parent) {
    this.legends = el("div", "legends");
    this.cursor = el("output", "cursor", { "aria-live": "off" });
    this.note = el("div", "say", { role: "status" });
    this.note.hidden = true;
    const panel = this.stack.panel;
    this.layersButton = button("Layers ▾", "Choose, order and fade layers", () => {
      panel.hidden = !panel.hidden;
      this.layersButton.setAttribute("aria-expanded", String(!panel.hidden));
    });
    this.compare = button("Compare", "Compare two layers with a divider", () => this.swipe.toggle());
    this.draw = button("Rectangle", "Draw a rectangle (or drag with shift held)", () =>
      this.marks.arm(this.marks.drawing === "rectangle" ? "" : "rectangle"));
    this.drawLine = button("Line", "Draw a line across an edge", () =>
      this.marks.arm(this.marks.drawing === "line" ? "" : "line"));
    const whole = button("Whole scene", "Show the whole scene", () => this.fit());
    this.basemapChooser = el("select", "tool", { "aria-label": "Basemap (needs the internet)" });
    const none = el("option", "", { value: "" }, "No basemap");
    const rest = Object.entries(BASEMAPS).map(([id, b]) => el("option", "", { value: id }, b.name));
    this.basemapChooser.append(none, ...rest);
    this.basemapChooser.addEventListener("change", () => this.setBasemap(this.basemapChooser.value));
    const tools = [this.layersButton, this.compare, this.draw, this.drawLine, whole, this.basemapChooser];
    this.bar = el("div", "bar", { role: "toolbar", "aria-label": "Map tools" }, ...tools);
    this.canvas = el("div", "canvas");
    this.north = el("div", "north", { title: "North is up", "aria-label": "North is up" }, "▲", el("b", "", {}, "N"));
    this.scale = el("div", "scalebar", { "aria-label": "Scale" });
    const strip = el("div", "strip", {}, this.scale, this.cursor);
    const over = [panel, this.swipe.bar, this.swipe.divider, this.north, this.note];
    this.stage = el("div", "stage", {}, this.canvas, el("div", "crosshair"), ...over);
    this.root = el("div", "rsviz-map", {}, this.bar, this.stage, this.frames.root, strip, this.legends);
    parent.append(this.root);
    this.marks.listen(this.canvas);
    this.canvas.addEventListener("keydown", (event) => {
      this.stage.classList.add("by-keys"); // shows the crosshair at which Enter picks
      if (event.key === "Enter") this.pick(this.map.getCenter());
    });
    this.canvas.addEventListener("pointerdown", () => this.stage.classList.remove("by-keys"));
    this.watch = new ResizeObserver(() => this.resized());
    this.watch.observe(this.stage);
  }

  /** Follow the latest rerun. */
  update({ data, setTriggerValue }) {
    this.send = (event, place) =>
      setTriggerValue(event, { place, view: edges(this.map.getBounds()) });
    this.sendFrame = (layer, index) => setTriggerValue("frame", { layer, index });
    this.key = data.key;
    this.stage.style.height = `${data.height}px`;
    if (this.frame?.id !== data.frame.id || this.frame?.on_map !== data.frame.on_map) {
      this.start(data.frame);
    }
    this.frame = data.frame;
    this.readLookup();
    this.basemapChooser.hidden = !(data.basemap && data.frame.on_map);
    this.north.hidden = !data.frame.on_map;
    this.compare.hidden = data.layers.length < 2;
    this.swipe.update(data.swipe, data.layers);
    this.stack.update(data.layers);
    this.drawLine.hidden = !data.lines;
    this.marks.update(data.markers, data.rectangle, data.strokes);
    this.goTo(data.focus);
  }

  /** Show a part of the scene with some ground around it, once. */
  goTo(corners) {
    const place = JSON.stringify(corners ?? null);
    if (this.went === place) return;
    this.went = place;
    if (!corners || !this.placed) return;
    const box = this.L.latLngBounds(corners).pad(0.8);
    this.map.flyToBounds(box, { duration: matchMedia("(prefers-reduced-motion)").matches ? 0 : 0.4 });
  }

  /** A new Leaflet map: for the first scene, or for one on other ground. */
  start(frame) {
    const { L } = this;
    this.stack.clear();
    this.marks.clear();
    this.map?.remove();
    this.frame = frame;
    const { south, west, north, east } = frame.bounds;
    this.bounds = L.latLngBounds([south, west], [north, east]);
    this.map = L.map(this.canvas, {
      crs: frame.on_map ? L.CRS.EPSG3857 : L.CRS.Simple,
      zoomControl: false,
      zoomSnap: 0,
      zoomDelta: 0.5,
      minZoom: -8,
      maxZoom: 28,
      boxZoom: false,
      doubleClickZoom: false,
      attributionControl: false,
    });
    L.control.attribution({ prefix: false }).addTo(this.map);
    L.control.zoom({ position: "topright" }).addTo(this.map);
    this.map.createPane("marks").style.zIndex = 620;
    this.renderer = L.svg({ pane: "marks", padding: 1 });
    this.basemap = null;
    this.basemapChooser.value = "";
    this.placed = false;
    this.map.on("moveend", () => this.moved());
    this.map.on("move zoom", () => this.swipe.clip());
    this.map.on("click", (event) => this.pick(event.latlng));
    this.map.on("mousemove", (event) => {
      this.cursor.textContent = describe(this, event.latlng, event.containerPoint.x);
    });
    this.map.on("mouseout", () => (this.cursor.textContent = ""));
    this.resized();
  }

  /** Show where this visitor was on this ground, else the whole of it; waits for a size. */
  resized() {
    if (!this.map || !this.stage.clientWidth) return;
    this.map.invalidateSize({ animate: false });
    if (!this.placed) {
      this.placed = true;
      const last = recall(`view:${this.frame.id}`);
      this.map.fitBounds(this.bounds, { animate: false, padding: [8, 8] });
      const fit = this.map.getZoom();
      this.map.setMinZoom(fit - 3).setMaxZoom(fit + Math.max(7, this.closest()));
      if (last) this.map.setView([last.lat, last.lng], last.zoom, { animate: false });
    }
    this.moved();
  }

  /** How many zooms it takes until eight pixels of the screen show one of the scene. */
  closest() {
    const [a, b] = [this.bounds.getSouthWest(), this.bounds.getNorthEast()];
    const size = this.map.latLngToLayerPoint(a).distanceTo(this.map.latLngToLayerPoint(b));
    return Math.log2(Math.hypot(this.frame.height, this.frame.width) / size) + 3;
  }

  fit() {
    this.map.fitBounds(this.bounds, { padding: [8, 8] });
  }

  moved() {
    if (!this.placed) return;
    const { lat, lng } = this.map.getCenter();
    remember(`view:${this.frame.id}`, { lat, lng, zoom: this.map.getZoom() });
    this.swipe.clip();
    this.sharpen();
    this.drawScale();
  }

  /** Pixels as squares when magnified, smooth when reduced. */
  sharpen() {
    for (const { overlay } of this.stack.items.values()) {
      const image = overlay?.getElement();
      if (!image?.naturalWidth) continue;
      const size = parseFloat(image.style.width) * devicePixelRatio;
      image.classList.toggle("pixelated", size >= image.naturalWidth);
    }
    for (const { tiles } of this.stack.items.values()) tiles?.sharpen();
  }

  pick(latlng) {
    if (performance.now() < this.quietUntil || this.marks.drawing) return;
    this.marks.ring(latlng, "picked");
    this.send("click", [latlng.lat, latlng.lng]);
  }

  drawScale() {
    const { map, frame } = this;
    const middle = map.getSize().divideBy(2);
    const [a, b] = [0, 100].map((dx) => map.containerPointToLatLng(middle.add([dx, 0])));
    const span = frame.on_map ? map.distance(a, b) : (b.lng - a.lng) * (frame.pixel_m ?? 1);
    const length = roundDown(span);
    const inPixels = !frame.on_map && !frame.pixel_m;
    this.scale.textContent = inPixels ? `${length} px` : distance(length);
    this.scale.style.width = `${(100 * length) / span}px`;
  }

  readLookup() {
    const { nodes } = this.frame;
    if (!nodes || this.lookup?.url === nodes.url) return;
    this.lookup = null;
    bytes(nodes.url).then((b) => (this.lookup = { ...nodes, data: new Float32Array(b) }), () => {});
  }

  /** A basemap only when asked for; without the internet the scene stays and a sentence says so. */
  setBasemap(id) {
    this.basemap?.remove();
    this.basemap = null;
    this.basemapChooser.value = id;
    if (!id) return;
    const { url, name, attribution, maxNativeZoom } = BASEMAPS[id];
    const options = { attribution, maxNativeZoom, maxZoom: 28, referrerPolicy: "origin" };
    const layer = this.L.tileLayer(url, options);
    let loaded = false;
    layer.on("tileload", () => (loaded = true));
    layer.on("tileerror", () => {
      if (loaded || this.basemap !== layer) return;
      this.setBasemap("");
      this.say(`${name} could not be reached; the map goes on without a basemap.`);
    });
    this.basemap = layer.addTo(this.map);
  }

  say(sentence) {
    this.note.textContent = sentence;
    this.note.hidden = false;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => (this.note.hidden = true), 8000);
  }

  destroy() {
    this.watch.disconnect();
    this.frames.halt();
    this.map?.remove();
    this.map = null;
    this.root.remove();
  }
}

const views = new WeakMap(); // place on the page -> promise of its map

async function create(parent, assets, load) {
  const styles = assets.css.map((url) => style(url, parent));
  await Promise.all([load(absolute(assets.leaflet)), ...styles]);
  return new MapView(globalThis.leaflet, parent);
}

const turns = new WeakMap(); // place on the page -> number of its latest drawing

/** Draw or update the map of a place on the page; gives back what takes it away again. */
export async function draw(component, load) {
  const { parentElement: parent, data } = component;
  const turn = (turns.get(parent) ?? 0) + 1;
  turns.set(parent, turn);
  if (!views.has(parent)) views.set(parent, create(parent, data.assets, load));
  views.get(parent).catch(() => views.delete(parent));
  const view = await views.get(parent);
  if (turns.get(parent) === turn) view.update(component);
  return () => {
    if (turns.get(parent) !== turn) return; // a newer rerun overtook this one and keeps the map
    views.delete(parent);
    view.destroy();
  };
}
