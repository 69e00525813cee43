// <es-fresh>: an answer that says so when it has grown old: after a minute, or when somebody comes back to the page.
// The words and the way to ask again stand inside it, hidden until then.

const FRESH_MS = 60_000;

class Fresh extends HTMLElement {
  connectedCallback() {
    this.since = Date.now();
    this.stop = new AbortController();
    this.timer = setTimeout(() => this.look(), FRESH_MS + 100);
    document.addEventListener("visibilitychange", () => this.look(), { signal: this.stop.signal });
  }

  disconnectedCallback() {
    this.stop.abort();
    clearTimeout(this.timer);
  }

  look() {
    if (document.hidden || Date.now() - this.since < FRESH_MS) return;
    for (const part of this.querySelectorAll("[data-when-old]")) part.hidden = false;
  }
}

customElements.define("es-fresh", Fresh);
