// What is drawn over the layers: picked and pinned pixel, the chosen rectangle, and drawing one.

class Marks {
  constructor(view) {
    this.view = view;
    this.drawn = [];
    this.drawing = ""; // "rectangle" or "line" while the next drag draws one
  }

  /** Show the marks of the latest rerun. */
  update(markers, rectangle, strokes) {
    this.clear();
    for (const stroke of strokes) this.stroke(stroke);
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

  /** A line, and what it stands for at its end. */
  stroke({ points, role, label }) {
    const { L, map, renderer } = this.view;
    const base = { pane: "marks", renderer, fill: false, interactive: false };
    for (const [weight, className] of [[5, "casing"], [2.5, `mark ${role}`]]) {
      this.drawn.push(L.polyline(points, { ...base, weight, className }).addTo(map));
    }
    if (!label) return;
    const text = el("span", "", {}, label);
    const tip = { permanent: true, direction: "top", className: "stroke-label", content: text };
    this.drawn.push(L.tooltip(points[1], tip).addTo(map));
  }

  /** Draw with the next drag: a rectangle (at once, when shift was held) or a line. */
  arm(what) {
    this.drawing = what;
    this.view.stage.classList.toggle("drawing", Boolean(what));
    this.view.draw.setAttribute("aria-pressed", String(what === "rectangle"));
    this.view.drawLine.setAttribute("aria-pressed", String(what === "line"));
    this.view.map.dragging[what ? "disable" : "enable"]();
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
      this.arm("");
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !(this.drawing || event.shiftKey)) return;
      this.arm(this.drawing || "rectangle");
      start = at(event);
      canvas.setPointerCapture(event.pointerId);
      event.preventDefault();
    }, true);
    canvas.addEventListener("pointermove", (event) => {
      if (!start) return;
      shape?.remove();
      const { L, map, renderer } = this.view;
      const options = { pane: "marks", renderer, className: "mark chosen", weight: 2, fill: false };
      const draw = this.drawing === "line" ? L.polyline : L.rectangle;
      shape = draw([start, at(event)], options).addTo(map);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!start) return;
      const [from, to, what] = [start, at(event), this.drawing];
      const dragged = shape !== null;
      end();
      this.view.quietUntil = performance.now() + 300; // the click that ends a drag picks no pixel
      if (!dragged) return;
      if (what === "line") this.view.send("line", [from.lat, from.lng, to.lat, to.lng]);
      else this.view.send("rectangle", edges(this.view.L.latLngBounds(from, to)));
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
