// What is drawn over the layers: picked and pinned pixel, the chosen rectangle, and drawing one.

class Marks {
  constructor(view) {
    this.view = view;
    this.drawn = [];
    this.drawing = false;
  }

  /** Show the marks of the latest rerun. */
  update(markers, rectangle) {
    this.clear();
    if (rectangle) this.outline(rectangle, "chosen", 2);
    for (const marker of markers) {
      this.outline(marker.corners, marker.role, 2);
      this.ring([marker.lat, marker.lng], marker.role);
    }
  }

  clear() {
    for (const layer of this.drawn) layer.remove();
    this.drawn = [];
  }

  /** A ring of constant size on the screen, with a casing that shows on any image. */
  ring(latlng, role) {
    const { L, map, renderer } = this.view;
    const base = { pane: "marks", renderer, fill: false, interactive: false, radius: 9 };
    for (const [weight, className] of [[5, "casing"], [2.5, `mark ${role}`]]) {
      this.drawn.push(L.circleMarker(latlng, { ...base, weight, className }).addTo(map));
    }
  }

  outline(corners, role, weight) {
    const { L, map, renderer } = this.view;
    const base = { pane: "marks", renderer, fill: false, interactive: false };
    for (const [extra, className] of [[2, "casing"], [0, `mark ${role}`]]) {
      const options = { ...base, weight: weight + extra, className };
      this.drawn.push(L.polygon(corners, options).addTo(map));
    }
  }

  /** Draw a rectangle with the next drag (or at once, when shift was held). */
  arm(on) {
    this.drawing = on;
    this.view.stage.classList.toggle("drawing", on);
    this.view.draw.setAttribute("aria-pressed", String(on));
    this.view.map.dragging[on ? "disable" : "enable"]();
  }

  listen(canvas) {
    let start = null;
    let shape = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return this.view.map.containerPointToLatLng([event.clientX - box.left, event.clientY - box.top]);
    };
    const end = () => {
      shape?.remove();
      shape = start = null;
      this.arm(false);
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !(this.drawing || event.shiftKey)) return;
      this.arm(true);
      start = at(event);
      canvas.setPointerCapture(event.pointerId);
      event.preventDefault();
    }, true);
    canvas.addEventListener("pointermove", (event) => {
      if (!start) return;
      shape?.remove();
      const { L, map, renderer } = this.view;
      const options = { pane: "marks", renderer, className: "mark chosen", weight: 2, fill: false };
      shape = L.rectangle([start, at(event)], options).addTo(map);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!start) return;
      const box = this.view.L.latLngBounds(start, at(event));
      const dragged = shape !== null;
      end();
      this.view.quietUntil = performance.now() + 300; // the click that ends a drag picks no pixel
      if (dragged) this.view.send("rectangle", edges(box));
    });
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.drawing) end();
    });
  }
}

function edges(box) {
  return [box.getSouth(), box.getWest(), box.getNorth(), box.getEast()];
}
