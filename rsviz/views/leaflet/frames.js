// A layer in several pictures, one a step: play, step, slider and keys below the map. Nothing moves
// by itself; the server is told where the visitor stops.

const RATES = [1, 2, 4, 8];

class FrameBar {
  constructor(view) {
    this.view = view;
    this.timer = null;
    this.play = button("▶", "Play", () => (this.timer ? this.stop() : this.start()));
    const back = button("◁", "One step back", () => this.step(-1));
    const forth = button("▷", "One step on", () => this.step(1));
    this.slider = el("input", "", { type: "range", min: 0, step: 1, "aria-label": "Step" });
    this.slider.addEventListener("input", () => (this.halt(), this.go(Number(this.slider.value))));
    this.slider.addEventListener("change", () => this.tell());
    this.rate = el("select", "tool", { "aria-label": "Speed" });
    for (const rate of RATES) this.rate.append(el("option", "", { value: rate }, `${rate} a second`));
    this.rate.value = RATES[1];
    this.rate.addEventListener("change", () => this.timer && (this.halt(), this.start()));
    this.label = el("output", "frame-label");
    this.root = el("div", "frames", { role: "group", "aria-label": "Steps" });
    this.root.append(back, this.play, forth, this.slider, this.label, this.rate);
    this.root.hidden = true;
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  /** Serve the topmost visible layer that has steps. */
  update() {
    const item = this.view.stack.visible().find(({ spec }) => spec.frames);
    this.root.hidden = !item;
    if (this.item !== item) this.halt();
    this.item = item;
    if (!item) return;
    const { labels } = item.spec.frames;
    this.slider.max = labels.length - 1;
    this.slider.value = item.frame;
    this.label.textContent = labels[item.frame];
    this.slider.setAttribute("aria-valuetext", labels[item.frame]);
  }

  /** Take what the server says of a layer's steps; its wish for a step counts once. */
  settle(item) {
    const frames = item.spec.frames;
    if (!frames) return;
    if (item.askedFrame !== frames.index) item.frame = item.askedFrame = frames.index;
    item.frame = Math.min(item.frame, frames.labels.length - 1);
  }

  go(index) {
    const { item } = this;
    if (!item) return;
    item.frame = index;
    this.view.stack.draw(item);
    this.update();
  }

  step(by) {
    this.halt();
    const count = this.item.spec.frames.labels.length;
    this.go((this.item.frame + by + count) % count);
    this.tell();
  }

  start() {
    const { urls } = this.item.spec.frames;
    this.ahead = urls.map((url) => Object.assign(new Image(), { src: absolute(url) }));
    if (this.item.frame === urls.length - 1) this.go(0);
    this.play.textContent = "❚❚";
    this.play.setAttribute("aria-label", "Pause");
    this.timer = setInterval(() => {
      if (this.item.frame >= urls.length - 1) this.stop();
      else if (this.ahead[this.item.frame + 1].complete) this.go(this.item.frame + 1);
    }, 1000 / Number(this.rate.value));
  }

  halt() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "▶";
    this.play.setAttribute("aria-label", "Play");
  }

  stop() {
    this.halt();
    this.tell();
  }

  /** Tell the server which step is shown. */
  tell() {
    const { item } = this;
    if (!item || item.toldFrame === item.frame) return;
    item.toldFrame = item.askedFrame = item.frame;
    this.view.sendFrame(item.spec.id, item.frame);
  }

  key(event) {
    if (event.target === this.rate || event.target === this.slider) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) (event.preventDefault(), this.step(by));
  }
}
