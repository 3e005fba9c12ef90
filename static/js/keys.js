// D downloads, Delete deletes, while the focus is inside `root` (never page-wide: WCAG 2.1.4).
export function keys(root, { download, remove }, signal) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.target.matches("select, textarea, input:not([type=range])")) return;
    const action = { d: download, D: download, Delete: remove }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }, { signal });
}
