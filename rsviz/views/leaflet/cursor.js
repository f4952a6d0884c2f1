// What lies under the pointer: pixel, coordinates, and the value of the top layer that knows it.

/** Scene pixel coordinates (row, column) at a place of the map; null outside the scene. */
function pixelAt(view, latlng) {
  const { frame, lookup, L } = view;
  let row, col;
  if (!frame.on_map) {
    [row, col] = [-latlng.lat, latlng.lng];
  } else {
    if (!lookup) return null;
    const { south, west, north, east } = frame.bounds;
    const p = L.CRS.EPSG3857.project(latlng);
    const a = L.CRS.EPSG3857.project(L.latLng(south, west));
    const b = L.CRS.EPSG3857.project(L.latLng(north, east));
    const v = (b.y - p.y) / (b.y - a.y);
    const u = (p.x - a.x) / (b.x - a.x);
    if (u < 0 || u > 1 || v < 0 || v > 1) return null;
    [row, col] = [0, 1].map((plane) => between(lookup, plane, v, u));
  }
  const inside = row >= 0 && row < frame.height && col >= 0 && col < frame.width;
  return inside ? { row, col } : null;
}

/** Linear interpolation in one plane of a (2, n, m) table. */
function between({ data, n, m }, plane, v, u) {
  const y = v * (n - 1);
  const x = u * (m - 1);
  const i = Math.min(Math.floor(y), n - 2);
  const j = Math.min(Math.floor(x), m - 2);
  const at = (r, c) => data[(plane * n + r) * m + c];
  const top = at(i, j) * (1 - (x - j)) + at(i, j + 1) * (x - j);
  const low = at(i + 1, j) * (1 - (x - j)) + at(i + 1, j + 1) * (x - j);
  return top * (1 - (y - i)) + low * (y - i);
}

/** The value of a layer at scene pixel coordinates, in words; "" while it is being fetched. */
function valueAt(view, spec, pixel) {
  const { values } = spec;
  const data = view.values.get(values.url);
  if (!data) {
    const make = values.dtype === "uint8" ? Uint8Array : Float32Array;
    bytes(values.url).then((b) => view.values.set(values.url, new make(b)), () => {});
    return "";
  }
  const row = Math.floor((pixel.row * values.height) / view.frame.height);
  const col = Math.floor((pixel.col * values.width) / view.frame.width);
  const value = data[row * values.width + col];
  if (values.names.length) return values.names[value] ?? "no class";
  const unit = spec.legend?.unit ? ` ${spec.legend.unit}` : "";
  return Number.isFinite(value) ? number(value) + unit : "no data";
}

/** One line for the reader: "row 87, col 42 · 43.10231° N 12.40100° E · Corn". */
function describe(view, latlng, x) {
  const pixel = pixelAt(view, latlng);
  const parts = [];
  if (pixel) parts.push(`row ${Math.floor(pixel.row)}, col ${Math.floor(pixel.col)}`);
  else if (!view.frame.on_map) return "outside the scene";
  if (view.frame.on_map) parts.push(degrees(latlng));
  const spec = pixel && view.stack.visible(x).find((item) => item.spec.values)?.spec;
  if (spec) {
    const value = valueAt(view, spec, pixel);
    if (value) parts.push(`${spec.title}: ${value}`);
  }
  return parts.join(" · ");
}

function degrees({ lat, lng }) {
  const east = ((((lng + 180) % 360) + 360) % 360) - 180;
  const ns = `${Math.abs(lat).toFixed(5)}° ${lat < 0 ? "S" : "N"}`;
  return `${ns} ${Math.abs(east).toFixed(5)}° ${east < 0 ? "W" : "E"}`;
}
