// Mounted by Streamlit on every rerun. The code itself is fetched once by address, so that a
// rerun sends a few kilobytes instead of Leaflet.
export default async function (component) {
  const { code } = component.data.assets;
  const { draw } = await import(new URL(code, document.baseURI).href);
  return draw(component);
}
