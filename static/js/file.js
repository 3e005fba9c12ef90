// What can be known about a chosen file before it is sent: refusals, its picture, a smaller copy.
import { number, text } from "./strings.js";

export const REDUCED = 1024; // px, long side of the copy offered on slow connections
const MEGABYTE = 2 ** 20; // bytes, as the server counts
const PREVIEW = 1400; // px, long side of the local picture: sharp on a 2x phone, small in memory

// The sentence that refuses `file`, or "" if nothing speaks against it. Some systems name no type for TIFF.
export function refuse(file, limits, suffixes) {
  const name = file.name;
  const dot = name.lastIndexOf(".");
  const suffix = dot < 0 ? "" : name.slice(dot).toLowerCase();
  const type = file.type === "" || file.type.startsWith("image/");
  if (!type || !suffixes.includes(suffix)) return text("unsupported_type", { name });
  if (file.size > limits.megabytes * MEGABYTE) {
    return text("too_heavy", { name, megabytes: number(Math.ceil(file.size / MEGABYTE)), limit: number(limits.megabytes) });
  }
  return "";
}

export function refuseSize(name, width, height, limits) {
  const megapixels = (width * height) / 1e6;
  if (megapixels <= limits.megapixels) return "";
  return text("too_large", { name, megapixels: number(Math.ceil(megapixels)), limit: number(limits.megapixels) });
}

const fit = (width, height, side) => Math.min(1, side / Math.max(width, height));

async function draw(file, side, canvas) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const { width, height } = bitmap;
  const scale = fit(width, height, side);
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return { width, height };
}

// Draws the upright photo into `canvas` -> {width, height}, or null where the browser cannot read the format.
export async function preview(file, canvas) {
  try {
    return await draw(file, PREVIEW, canvas);
  } catch {
    return null;
  }
}

// The photo fitted into 1024 px as {file, name}; the file itself where it is smaller already or cannot be read here.
export async function reduce(file) {
  const canvas = document.createElement("canvas");
  try {
    const { width, height } = await draw(file, REDUCED, canvas);
    if (fit(width, height, REDUCED) === 1) return { file, name: file.name };
  } catch {
    return { file, name: file.name };
  }
  const smaller = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  if (!smaller || smaller.size >= file.size) return { file, name: file.name };
  return { file: smaller, name: file.name.replace(/\.[^.]*$/, "") + ".jpg" };
}
