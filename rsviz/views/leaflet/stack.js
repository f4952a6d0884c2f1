// The stack of layers: images in their own panes, and the panel that orders and fades them.
// What a visitor changes here stays in the browser; the server is not asked.

class LayerStack {
  constructor(view) {
    this.view = view;
    this.items = new Map(); // id -> {spec, pane, overlay, visible, opacity}
    this.order = []; // ids, bottom first
    this.panel = el("div", "panel", { role: "group", "aria-label": "Layers" });
    this.panel.hidden = true;
  }

  /** Take the layers of the latest rerun: keep what is there, add and remove the rest. */
  update(specs) {
    const stored = recall(`layers:${this.view.key}`) ?? { order: [], settings: {} };
    const wanted = new Set(specs.map((s) => s.id));
    for (const id of [...this.items.keys()]) if (!wanted.has(id)) this.remove(id);
    for (const spec of specs) {
      const item = this.items.get(spec.id) ?? this.add(spec);
      item.spec = spec;
      this.view.frames.settle(item);
      const kept = stored.settings[spec.id];
      const mine = kept && kept.asked === asked(spec) ? kept : spec;
      item.visible = mine.visible;
      item.opacity = mine.opacity;
    }
    this.order = merged(stored.order, specs.map((s) => s.id));
    this.apply();
    this.fillPanel();
  }

  add(spec) {
    const name = `layer-${this.view.nextPane++}`;
    const item = { spec, pane: this.view.map.createPane(name), paneName: name };
    item.pane.style.pointerEvents = "none";
    this.items.set(spec.id, item);
    return item;
  }

  /** Show the image of a layer; what it replaces stays until it has arrived. */
  draw(item) {
    const { L, map } = this.view;
    const { spec } = item;
    drawTiles(this.view, item);
    const url = spec.frames ? spec.frames.urls[item.frame] : spec.url;
    if (item.url === url) return;
    if (item.overlay) {
      item.overlay.setUrl(url);
    } else {
      const options = { pane: item.paneName, interactive: false, alt: spec.title };
      item.overlay = L.imageOverlay(url, this.view.bounds, options);
      item.overlay.on("load", () => this.view.sharpen());
      item.overlay.on("error", () => this.retry(item));
      item.overlay.addTo(map);
    }
    item.url = url;
    item.failures = 0;
  }

  /** Ask again for an image that did not arrive. */
  retry(item) {
    const { url, overlay, failures } = item;
    if (failures >= WAITS.length) {
      this.view.say(`The image of "${item.spec.title}" did not load.`);
      return;
    }
    item.failures += 1;
    setTimeout(() => {
      const same = this.items.get(item.spec.id) === item && item.url === url && item.overlay === overlay;
      if (same) overlay.setUrl(`${url}?${item.failures}`);
    }, WAITS[failures]);
  }

  remove(id) {
    const item = this.items.get(id);
    item.tiles?.remove();
    item.overlay?.remove();
    item.pane.remove();
    this.items.delete(id);
  }

  clear() {
    for (const id of [...this.items.keys()]) this.remove(id);
  }

  /** Show visibility, opacity and order; the swipe decides what its two sides show. */
  apply() {
    const shown = this.view.swipe.shown();
    this.order.forEach((id, position) => {
      const item = this.items.get(id);
      const show = shown ? shown.has(id) : item.visible;
      if (show) this.draw(item); // a hidden image is not even fetched
      item.pane.style.zIndex = 400 + position;
      item.pane.style.display = show ? "" : "none";
      for (const drawn of [item.overlay, item.tiles]) drawn?.setOpacity(item.opacity);
    });
    this.view.swipe.clip();
    this.view.frames.update();
    drawLegends(this.view.legends, this.visible().map((item) => item.spec.legend));
  }

  /** Visible items, top first; at a horizontal position of the screen when one is given. */
  visible(x = null) {
    const { swipe } = this.view;
    const shown = swipe.shown();
    return [...this.order]
      .reverse()
      .filter((id) => (shown ? shown.has(id) && swipe.reaches(id, x) : this.items.get(id).visible))
      .map((id) => this.items.get(id));
  }

  keep() {
    const settings = {};
    for (const [id, item] of this.items) {
      settings[id] = { visible: item.visible, opacity: item.opacity, asked: asked(item.spec) };
    }
    remember(`layers:${this.view.key}`, { order: this.order, settings });
    this.apply();
  }

  move(id, by) {
    const from = this.order.indexOf(id);
    const to = from + by;
    if (to < 0 || to >= this.order.length) return;
    [this.order[from], this.order[to]] = [this.order[to], this.order[from]];
    this.keep();
    this.fillPanel();
    this.panel.querySelector(`[data-layer="${from}"]`)?.focus();
  }

  fillPanel() {
    this.panel.replaceChildren(...[...this.order].reverse().map((id) => this.row(id)));
  }

  row(id) {
    const item = this.items.get(id);
    const { title } = item.spec;
    const box = el("input", "", { type: "checkbox", "aria-label": `Show ${title}` });
    box.checked = item.visible;
    box.addEventListener("change", () => {
      item.visible = box.checked;
      this.keep();
    });
    const fade = { type: "range", min: 0, max: 100, step: 5, "aria-label": `Opacity of ${title} [%]` };
    const slider = el("input", "", { ...fade, title: "Opacity" });
    slider.value = Math.round(item.opacity * 100);
    slider.addEventListener("input", () => {
      item.opacity = slider.value / 100;
      this.keep();
    });
    const up = button("▲", `Move ${title} up`, () => this.move(id, 1));
    const down = button("▼", `Move ${title} down`, () => this.move(id, -1));
    return el("div", "row", {}, el("label", "name", {}, box, el("span", "", {}, title)), slider, up, down);
  }
}

/** What the server asked for; a new wish of the server undoes the visitor's own setting. */
function asked(spec) {
  return `${spec.visible}/${spec.opacity}`;
}

/** The visitor's order where it is known; new layers go on top of their predecessor. */
function merged(stored, ids) {
  const order = stored.filter((id) => ids.includes(id));
  ids.forEach((id, i) => {
    if (order.includes(id)) return;
    const before = i > 0 ? order.indexOf(ids[i - 1]) : -1;
    order.splice(before + 1, 0, id);
  });
  return order;
}
