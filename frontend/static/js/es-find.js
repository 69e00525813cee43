// <es-find>: finds words in the transcript of this page while they are typed, and steps from hit to hit; before, from
// one to the next of what the server marked for the search that led here.
// Hits are painted with the CSS Custom Highlight API: the text itself is never changed. Where a browser has no such
// API, and without script, the form asks the server, which marks the hits.

const HITS = "found";
const HERE = "found-here";

class Find extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    if (!globalThis.Highlight || !CSS.highlights) return;
    this.asked = [...takeMarks()];
    this.output = this.querySelector("output");
    this.querySelector("[data-needs-script]").hidden = false;
    this.querySelector("[data-without-script]").hidden = true;
    this.input.addEventListener("input", () => this.find());
    this.querySelector("form").addEventListener("submit", (event) => this.onSubmit(event));
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.addEventListener("click", (event) => this.onClick(event));
    this.find();
    this.stand();
  }

  disconnectedCallback() {
    CSS.highlights?.delete(HITS);
    CSS.highlights?.delete(HERE);
  }

  onSubmit(event) {
    event.preventDefault();
    this.step(1);
  }

  onKey(event) {
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      this.step(-1);
    } else if (event.key === "Escape" && this.input.value) {
      event.preventDefault();
      this.input.value = "";
      this.find();
    }
  }

  onClick(event) {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action === "next") this.step(1);
    if (action === "previous") this.step(-1);
  }

  find() {
    const wanted = this.input.value.trim().toLowerCase();
    this.hits = wanted ? [...this.rangesOf(wanted)] : this.asked;
    this.place = -1;
    CSS.highlights.set(HITS, new Highlight(...this.hits));
    CSS.highlights.delete(HERE);
    this.say(wanted);
  }

  *rangesOf(wanted) {
    for (const text of document.querySelectorAll("#transcript .segment-text")) {
      const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const words = node.data.toLowerCase();
        for (let at = words.indexOf(wanted); at >= 0; at = words.indexOf(wanted, at + wanted.length)) {
          yield rangeIn(node, at, at + wanted.length);
        }
      }
    }
  }

  // Where the address leads to a hit, the next one is the one after it.
  stand() {
    const linked = document.querySelector("#transcript :target") ?? document.querySelector("#transcript .is-linked");
    this.place = this.hits.findIndex((hit) => linked?.contains(hit.startContainer));
    this.say(this.input.value);
  }

  step(offset) {
    if (!this.hits.length) return;
    const from = this.place < 0 && offset < 0 ? 0 : this.place;
    this.place = (from + offset + this.hits.length) % this.hits.length;
    const hit = this.hits[this.place];
    CSS.highlights.set(HERE, new Highlight(hit));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const segment = hit.startContainer.parentElement.closest(".segment");
    segment.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
    this.say(this.input.value);
  }

  say(wanted) {
    if (!this.hits.length) this.output.value = wanted ? "no hit" : "";
    else if (this.place < 0) this.output.value = this.hits.length === 1 ? "1 hit" : `${this.hits.length} hits`;
    else this.output.value = `${this.place + 1} of ${this.hits.length}`;
  }
}

// Takes out what the server marked, so that every text is one piece again, and gives where it stood.
function* takeMarks() {
  for (const text of document.querySelectorAll("#transcript .segment-text:has(mark)")) {
    const spans = [];
    let at = 0;
    for (const node of text.childNodes) {
      const end = at + node.textContent.length;
      if (node.nodeName === "MARK") spans.push([at, end]);
      at = end;
    }
    text.textContent = text.textContent;
    for (const [start, end] of spans) yield rangeIn(text.firstChild, start, end);
  }
}

function rangeIn(node, start, end) {
  const range = new Range();
  range.setStart(node, Math.min(start, node.length));
  range.setEnd(node, Math.min(end, node.length));
  return range;
}

customElements.define("es-find", Find);
