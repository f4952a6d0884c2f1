// Plays numbered pictures beside each other: play, step, speed, a slider, and keys. Nothing moves by
// itself. All pictures of a panel lie in one image ("sheet"), `columns` to a row.

const players = new WeakMap();
const SPEEDS = [2, 5, 10, 20];

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".player");
  let player = players.get(root);
  if (!player) {
    player = build(root);
    players.set(root, player);
  }
  if (player.id !== data.id) load(player, data);
  return () => stop(player);
}

function build(root) {
  const find = (name) => root.querySelector(`.${name}`);
  const player = {
    root, index: 0, timer: null, panels: [], id: null,
    stage: find("stage"), slider: find("slider"), label: find("label"),
    play: find("play"), speed: find("speed"),
  };
  player.play.onclick = () => (player.timer ? stop(player) : start(player));
  find("back").onclick = () => step(player, -1);
  find("forth").onclick = () => step(player, 1);
  player.slider.oninput = () => { stop(player); show(player, Number(player.slider.value)); };
  player.speed.onchange = () => { if (player.timer) { stop(player); start(player); } };
  for (const rate of SPEEDS) {
    const option = document.createElement("option");
    option.value = rate;
    option.textContent = `${rate} a second`;
    player.speed.append(option);
  }
  player.speed.value = SPEEDS[1];
  root.onkeydown = (event) => {
    if (event.target === player.speed) return;
    const keys = { " ": () => player.play.click(), ArrowLeft: () => step(player, -1), ArrowRight: () => step(player, 1) };
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  };
  return player;
}

function load(player, data) {
  stop(player);
  Object.assign(player, { id: data.id, count: data.labels.length, labels: data.labels, data });
  player.slider.max = player.count - 1;
  player.stage.replaceChildren();
  player.panels = data.panels.map((panel) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = panel.title;
    const canvas = document.createElement("canvas");
    canvas.width = data.width;
    canvas.height = data.height;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", panel.title);
    figure.append(canvas, caption);
    player.stage.append(figure);
    return { canvas, sheet: picture(panel.sheet, player) };
  });
  player.background = data.background ? picture(data.background, player) : null;
  show(player, Math.min(player.index, player.count - 1));
}

function picture(url, player) {
  const image = new Image();
  image.onload = () => show(player, player.index);
  image.src = url;
  return image;
}

function show(player, index) {
  player.index = index;
  player.slider.value = index;
  player.label.textContent = player.labels[index];
  player.slider.setAttribute("aria-valuetext", player.labels[index]);
  const { width, height, columns } = player.data;
  const x = (index % columns) * width, y = Math.floor(index / columns) * height;
  for (const { canvas, sheet } of player.panels) {
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, width, height);
    if (player.background?.complete) pen.drawImage(player.background, 0, 0, width, height);
    if (sheet.complete) pen.drawImage(sheet, x, y, width, height, 0, 0, width, height);
  }
}

function step(player, by) {
  stop(player);
  show(player, (player.index + by + player.count) % player.count);
}

function start(player) {
  if (player.index === player.count - 1) show(player, 0);
  player.play.textContent = "Pause";
  player.timer = setInterval(() => {
    if (player.index >= player.count - 1) stop(player);
    else show(player, player.index + 1);
  }, 1000 / Number(player.speed.value));
}

function stop(player) {
  clearInterval(player.timer);
  player.timer = null;
  player.play.textContent = "Play";
}
