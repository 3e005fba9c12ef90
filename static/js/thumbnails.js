// Small pictures for the history that never leave this device: made here from a preview, kept in IndexedDB by the photo's
// id. They go with their row, with Delete now, at sign-out, for another visitor, after a year, and by the switch.
const SIDE = 160; // px, long side
const YEAR = 366 * 24 * 3600 * 1000; // milliseconds; longer than any row lives
const OFF = "coloria-thumbnails"; // "off": the visitor wants none on this device
const WHOSE = "coloria-device"; // mark of the visitor whose pictures these are

// Storage may be refused (private windows, policies): then there are no small pictures, and nothing breaks.
function recalled(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return null;
  }
}

function note(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // not remembered: as if it had never been said
  }
}

export const possible = () => "indexedDB" in globalThis && recalled(OFF) !== null;
export const wanted = () => possible() && recalled(OFF) !== "off";

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

let opened;

function open() {
  const request = indexedDB.open("coloria", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("thumbnails", { keyPath: "id" });
  return done(request);
}

async function store(mode, act) {
  opened ??= open();
  const transaction = (await opened).transaction("thumbnails", mode);
  const committed = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const result = await act(transaction.objectStore("thumbnails"));
  await committed;
  return result;
}

// What fails here is a small picture, never the page.
const quietly = (work) => work.catch(() => null);

async function small(image) {
  await image.decode();
  const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
}

// Keeps a small copy of an <img> of the photo `id`; the newest version takes the place of an older one.
export async function remember(id, image) {
  if (!wanted()) return;
  await quietly(
    small(image).then((blob) => blob && wanted() && store("readwrite", (kept) => done(kept.put({ id, blob, made: Date.now() })))),
  );
}

export async function erase(id) {
  if (!possible()) return;
  await quietly(store("readwrite", (kept) => done(id === "*" ? kept.clear() : kept.delete(id))));
}

export async function choose(on) {
  note(OFF, on ? "on" : "off");
  if (!on) await erase("*");
}

const recall = (id) => quietly(store("readonly", (kept) => done(kept.get(id))));

// Puts a small picture where a row has only a tile.
async function show(tile) {
  const found = await recall(tile.dataset.remembered);
  if (!found) return;
  const image = new Image();
  image.alt = "";
  image.src = URL.createObjectURL(found.blob);
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  tile.replaceWith(image);
}

export async function showAll(root = document) {
  if (!wanted()) return;
  await Promise.all([...root.querySelectorAll("[data-remembered]")].map(show));
}

export async function rememberAll(root = document) {
  for (const image of root.querySelectorAll("img[data-thumbnail]")) {
    image.loading = "eager"; // else one below the fold is never decoded
    await remember(image.dataset.thumbnail, image);
  }
}

async function forgetOld() {
  const before = Date.now() - YEAR;
  const rows = await store("readonly", (kept) => done(kept.getAll()));
  await Promise.all(rows.filter((row) => !(row.made > before)).map((row) => erase(row.id)));
}

// A page says whose it is. Pictures of somebody else go, and so they do at sign-out; who signs in keeps a guest's own.
export async function settle() {
  const now = document.documentElement.dataset.device;
  if (now === undefined || !possible()) return; // an error's page knows nobody
  const before = recalled(WHOSE);
  const signedIn = before.startsWith("guest:") && now.startsWith("account:");
  if (before && before !== now && !signedIn) await erase("*");
  if (before !== now) note(WHOSE, now);
  await quietly(forgetOld());
}
