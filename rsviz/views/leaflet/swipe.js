// Comparing two layers: one to the left of a divider, the other to the right.
// Layers below both stay as a backdrop; layers above are put aside.

class Swipe {
  constructor(view) {
    this.view = view;
    this.pair = null; // [left id, right id] while comparing
    this.asked = null;
    this.at = 0.5;
    this.left = this.chooser(0, "Layer on the left");
    this.right = this.chooser(1, "Layer on the right");
    this.bar = el("div", "sides", {}, this.left, this.right);
    this.bar.hidden = true;
    const role = { role: "slider", tabindex: 0, "aria-label": "Divider between the two layers" };
    this.divider = el("div", "divider", { ...role, "aria-valuemin": 0, "aria-valuemax": 100 });
    this.divider.append(el("span", "grip", {}, "◂▸"));
    this.divider.hidden = true;
    this.divider.addEventListener("pointerdown", (event) => this.grab(event));
    this.divider.addEventListener("pointermove", (event) => this.drag(event));
    this.divider.addEventListener("keydown", (event) => this.step(event));
  }

  chooser(side, label) {
    const select = el("select", "", { "aria-label": label });
    select.addEventListener("change", () => {
      this.pair[side] = select.value;
      this.keep();
    });
    return select;
  }

  /** Follow the server's wish when it changes, else what the visitor had chosen. */
  update(wish, specs) {
    const ids = specs.map((s) => s.id);
    const kept = recall(`swipe:${this.view.key}`);
    const wished = JSON.stringify(wish);
    const mine = kept && kept.asked === wished ? kept : { pair: wish, at: kept?.at ?? 0.5 };
    this.asked = wished;
    this.at = mine.at;
    this.pair = mine.pair?.every((id) => ids.includes(id)) ? [...mine.pair] : null;
    for (const select of [this.left, this.right]) {
      select.replaceChildren(...specs.map((s) => el("option", "", { value: s.id }, s.title)));
    }
  }

  toggle() {
    const top = this.view.stack.visible().map((item) => item.spec.id);
    const ids = [...top, ...[...this.view.stack.order].reverse().filter((id) => !top.includes(id))];
    this.pair = this.pair || ids.length < 2 ? null : [ids[1], ids[0]];
    this.keep();
  }

  keep() {
    remember(`swipe:${this.view.key}`, { pair: this.pair, at: this.at, asked: this.asked });
    this.view.stack.apply();
  }

  /** Ids of the layers to show while comparing; null when not comparing. */
  shown() {
    if (!this.pair) return null;
    const { order, items } = this.view.stack;
    const lowest = Math.min(...this.pair.map((id) => order.indexOf(id)));
    const backdrop = order.slice(0, lowest).filter((id) => items.get(id).visible);
    return new Set([...backdrop, ...this.pair]);
  }

  /** Whether a layer is drawn at a horizontal position (null: anywhere). */
  reaches(id, x) {
    if (!this.pair || x === null || this.pair[0] === this.pair[1]) return true;
    const onLeft = x < this.at * this.view.map.getSize().x;
    return id === this.pair[0] ? onLeft : id === this.pair[1] ? !onLeft : true;
  }

  /** Cut the two panes at the divider; called whenever the map moves. */
  clip() {
    const { map, stack } = this.view;
    this.bar.hidden = this.divider.hidden = !this.pair;
    for (const item of stack.items.values()) item.pane.style.clipPath = "";
    this.view.compare.setAttribute("aria-pressed", String(Boolean(this.pair)));
    this.view.stage.classList.toggle("comparing", Boolean(this.pair));
    if (!this.pair) return;
    [this.left.value, this.right.value] = this.pair;
    this.divider.style.left = `${this.at * 100}%`;
    this.divider.setAttribute("aria-valuenow", Math.round(this.at * 100));
    const size = map.getSize();
    const corner = map.containerPointToLayerPoint([0, 0]);
    const end = map.containerPointToLayerPoint(size);
    const middle = corner.x + size.x * this.at;
    const cut = (x0, x1) =>
      `polygon(${x0}px ${corner.y}px, ${x1}px ${corner.y}px, ${x1}px ${end.y}px, ${x0}px ${end.y}px)`;
    const [left, right] = this.pair.map((id) => stack.items.get(id).pane);
    if (left === right) return;
    left.style.clipPath = cut(corner.x, middle);
    right.style.clipPath = cut(middle, end.x);
  }

  grab(event) {
    this.divider.setPointerCapture(event.pointerId);
    event.preventDefault();
    this.divider.focus();
  }

  drag(event) {
    if (!this.divider.hasPointerCapture(event.pointerId)) return;
    const box = this.view.stage.getBoundingClientRect();
    this.moveTo((event.clientX - box.left) / box.width);
  }

  step(event) {
    const steps = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1 };
    const by = event.key === "Home" ? -1 : event.key === "End" ? 1 : steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.moveTo(this.at + by);
  }

  moveTo(at) {
    this.at = Math.min(1, Math.max(0, at));
    remember(`swipe:${this.view.key}`, { pair: this.pair, at: this.at, asked: this.asked });
    this.clip();
  }
}
