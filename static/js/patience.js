// Waiting that ends early: by the page giving up (signal) or by the network coming back.
import { Offline, getPhoto } from "./api.js";

export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const stop = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      reject(new DOMException("", "AbortError"));
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done, { once: true });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

// Repeats `attempt` while nobody answers: after 1, 2, 4, 8, then every 10 seconds.
export async function persist(attempt, signal, offline) {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 10000)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      offline();
      await pause(wait, signal);
    }
  }
}

const ACTIVE = new Set(["queued", "running"]);

// Asks until every job has ended: twice a second at first, every two seconds after the first minute.
export async function watch(id, { signal, show, offline }) {
  const begun = Date.now();
  for (;;) {
    const photo = await persist(() => getPhoto(id, signal), signal, offline);
    show(photo);
    if (!photo.jobs.some((job) => ACTIVE.has(job.state))) return photo;
    await pause(Date.now() - begun < 60000 ? 500 : 2000, signal);
  }
}
