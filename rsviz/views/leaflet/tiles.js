// Tiles of a large scene: they come as the visitor looks, over the thinned image of the layer,
// which is shown until all of them are there.

class SceneTiles {
  constructor(view, item) {
    const { L, map } = view;
    const { url, least, most, native } = item.spec.tiles;
    const { south, west, north, east } = view.frame.bounds;
    this.view = view;
    this.url = url;
    this.native = native;
    this.layer = L.tileLayer(url, {
      pane: item.paneName,
      bounds: [[south, west], [north, east]],
      noWrap: true,
      minZoom: -24,
      maxZoom: 40,
      minNativeZoom: least,
      maxNativeZoom: most,
      zIndex: 2,
    });
    const image = (shown) => {
      const element = item.overlay?.getElement();
      if (element && item.tiles === this) element.style.visibility = shown ? "" : "hidden";
    };
    let failed = false;
    this.layer.on("loading", () => {
      failed = false;
      image(true);
    });
    this.layer.on("load", () => image(failed));
    this.layer.on("tileerror", () => {
      failed = true;
      view.say(`Some of "${item.spec.title}" did not load in full detail; move the map to try again.`);
    });
    this.hide = () => image(true);
    this.layer.addTo(map);
    this.sharpen();
  }

  setOpacity(opacity) {
    this.layer.setOpacity(opacity);
  }

  /** Pixels as squares when magnified. */
  sharpen() {
    const closer = this.view.map.getZoom() >= this.native;
    this.layer.getContainer()?.classList.toggle("pixelated", closer);
  }

  remove() {
    this.hide();
    this.layer.remove();
  }
}

/** Give a layer the tiles that the latest rerun names, if any. */
function drawTiles(view, item) {
  if (item.tiles?.url === item.spec.tiles?.url) return;
  item.tiles?.remove();
  item.tiles = null;
  if (item.spec.tiles) item.tiles = new SceneTiles(view, item);
}
