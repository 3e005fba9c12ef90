// One photo's way to the server, however often the line breaks: every repeat carries the same Idempotency-Key, so that the
// photo is there once.
import { deletePhoto, sendPhoto } from "./api.js";
import { persist } from "./patience.js";

// crypto.randomUUID would need https.
const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// -> the photo. Before all of it has left, `signal` ends the upload. After that the server may have it already: then the
// request goes on unseen, and what it made is deleted.
export function bring(file, name, wishes, { signal, progress, offline }) {
  const key = randomKey();
  const upload = new AbortController();
  let left = false;
  const track = (share) => {
    left ||= share === 1;
    if (!signal.aborted) progress(share);
  };
  const lost = () => signal.aborted || offline();
  const attempt = () => sendPhoto(file, name, wishes, key, { signal: upload.signal, progress: track });
  const remove = ({ id }) => persist(() => deletePhoto(id), upload.signal, lost);
  return new Promise((resolve, reject) => {
    const aborted = () => reject(new DOMException("", "AbortError"));
    if (signal.aborted) return aborted(); // cancelled while a smaller copy was made
    const made = persist(attempt, upload.signal, lost);
    const cancel = () => {
      aborted();
      if (left) made.then(remove).catch(() => {}); // refused, or gone already: nothing was left behind
      else upload.abort();
    };
    const settled = (settle) => (outcome) => {
      signal.removeEventListener("abort", cancel);
      settle(outcome);
    };
    signal.addEventListener("abort", cancel, { once: true });
    made.then(settled(resolve), settled(reject));
  });
}
