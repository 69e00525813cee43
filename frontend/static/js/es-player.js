// <es-player>: keeps the recording inside it ([data-media]) and the transcript (.segment[data-start]) in step.
// A click on a segment plays from there, the segment being heard is marked and, if followed, kept in view.
// Without a recording, or without script, the transcript's links still work.

const STEP_S = 5;
const SHORTCUTS_KEY = "earshot-shortcuts";
const HAVE_METADATA = 1;

class Player extends HTMLElement {
  connectedCallback() {
    this.media = this.querySelector("[data-media]");
    if (!this.media) return;
    this.segments = [...this.querySelectorAll(".segment[data-start]")];
    this.starts = this.segments.map((segment) => Number(segment.dataset.start) / 1000);
    this.current = null;
    this.stop = new AbortController();
    this.showControls();
    this.listen();
    this.startWhereLinked();
    this.dataset.ready = "";
  }

  disconnectedCallback() {
    this.stop?.abort();
  }

  control(name) {
    return this.querySelector(`[data-action="${name}"]`);
  }

  showControls() {
    for (const part of this.querySelectorAll(".player [data-needs-script]")) part.hidden = false;
    this.control("shortcuts").checked = localStorage.getItem(SHORTCUTS_KEY) !== "off";
  }

  listen() {
    const { signal } = this.stop;
    this.media.addEventListener("timeupdate", () => this.showCurrent(), { signal });
    this.media.addEventListener("seeked", () => this.showCurrent(), { signal });
    this.media.addEventListener("error", () => this.showError(), { signal });
    this.addEventListener("click", (event) => this.onClick(event), { signal });
    this.control("speed").addEventListener("change", (event) => this.setSpeed(event.target.value), { signal });
    this.control("follow").addEventListener("change", () => this.showCurrent(true), { signal });
    this.control("shortcuts").addEventListener(
      "change",
      (event) => localStorage.setItem(SHORTCUTS_KEY, event.target.checked ? "on" : "off"),
      { signal },
    );
    document.addEventListener("keydown", (event) => this.onKey(event), { signal });
  }

  // The address says where to begin (?t=milliseconds): go there, so that play starts at the moment that was linked.
  startWhereLinked() {
    const at = new URLSearchParams(location.search).get("t");
    if (at === null || !/^\d+$/.test(at)) return;
    const seek = () => {
      this.media.currentTime = Number(at) / 1000;
      this.showCurrent(true);
    };
    if (this.media.readyState >= HAVE_METADATA) seek();
    else this.media.addEventListener("loadedmetadata", seek, { once: true, signal: this.stop.signal });
  }

  onClick(event) {
    const button = event.target.closest("button[data-action]");
    if (button?.dataset.action === "back") return this.move(-STEP_S);
    if (button?.dataset.action === "forward") return this.move(STEP_S);
    const segment = event.target.closest(".segment[data-start]");
    if (!segment || event.ctrlKey || event.metaKey || event.shiftKey) return undefined;
    if (!getSelection().isCollapsed) return undefined;
    const link = event.target.closest("a");
    if (link && !link.matches(".segment-time")) return undefined;
    event.preventDefault();
    if (link) history.replaceState(history.state, "", link.href);
    return this.playFrom(segment);
  }

  playFrom(segment) {
    this.media.currentTime = Number(segment.dataset.start) / 1000;
    this.showCurrent();
    return this.media.play().catch(() => this.showCurrent());
  }

  move(seconds) {
    this.media.currentTime = Math.max(0, this.media.currentTime + seconds);
  }

  setSpeed(speed) {
    this.media.playbackRate = Number(speed);
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.control("shortcuts").checked) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const act = this.actions()[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  actions() {
    return {
      k: () => (this.media.paused ? this.media.play() : this.media.pause()),
      j: () => this.move(-STEP_S),
      l: () => this.move(STEP_S),
      n: () => this.playNeighbour(1),
      p: () => this.playNeighbour(-1),
      f: () => this.control("follow").click(),
      "/": () => this.querySelector("#find")?.focus(),
    };
  }

  playNeighbour(offset) {
    const place = Math.min(Math.max(this.placeAt(this.media.currentTime) + offset, 0), this.segments.length - 1);
    if (this.segments[place]) this.playFrom(this.segments[place]);
  }

  // The last segment that has begun at this second, by bisection; -1 before the first one.
  placeAt(second) {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= second + 0.01) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  showCurrent(mustScroll = false) {
    const segment = this.segments[this.placeAt(this.media.currentTime)] ?? null;
    const changed = segment !== this.current;
    if (changed) {
      this.mark(this.current, false);
      this.mark(segment, true);
      this.current = segment;
    }
    if (segment && (changed || mustScroll)) this.keepInView(segment, mustScroll);
  }

  mark(segment, on) {
    if (!segment) return;
    segment.classList.toggle("is-current", on);
    if (on) segment.setAttribute("aria-current", "true");
    else segment.removeAttribute("aria-current");
  }

  keepInView(segment, mustScroll) {
    if (!this.control("follow").checked || (this.media.paused && !mustScroll)) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    segment.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
  }

  showError() {
    this.querySelector("[data-media-error]").hidden = false;
  }
}

customElements.define("es-player", Player);
