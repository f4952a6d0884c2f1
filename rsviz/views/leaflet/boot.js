// Mounted by Streamlit on every rerun. The code itself is fetched once by address, so that a
// rerun sends a few kilobytes instead of Leaflet.
const modules = new Map();

/** Import a module; again after a while when Streamlit had just swept its file away (see base.js). */
async function load(url) {
  for (const wait of [200, 500, 1000, 2000, 4000]) {
    try {
      return await import(url);
    } catch {
      await new Promise((done) => setTimeout(done, wait));
      url = `${url.split("?")[0]}?${wait}`; // a failed address is never asked again
    }
  }
  return import(url);
}

export default async function (component) {
  const url = new URL(component.data.assets.code, document.baseURI).href;
  if (!modules.has(url)) modules.set(url, load(url));
  modules.get(url).catch(() => modules.delete(url));
  const { draw } = await modules.get(url);
  return draw(component, load);
}
