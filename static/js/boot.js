// Runs before the first paint: pages are laid out for scripts only where modules will really run.
if ("noModule" in HTMLScriptElement.prototype) document.documentElement.classList.add("js");
