// <es-upload max-bytes="…">: sends the files of the form inside it one after another, resumably (tus 1.0), with a
// progress bar and a sentence for each. What is known about them is checked by the server first. A file that was cut
// off goes on where it stopped, also after the page was loaded again. Without script the form sends itself.

const ENDPOINT = "/api/v1/uploads";
const DETAILS = "/upload/details";
const CHUNK_BYTES = 8 * 1024 * 1024;
const RETRY_AFTER_MS = [1000, 3000, 8000, 20000];
const TUS = { "Tus-Resumable": "1.0.0" };

class Refused extends Error {}

class Upload extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.input = this.querySelector("input[type=file]");
    this.list = this.querySelector(".uploads");
    this.drop = this.querySelector("[data-drop]");
    this.maxBytes = Number(this.getAttribute("max-bytes"));
    for (const part of this.querySelectorAll("[data-needs-script]")) part.hidden = false;
    this.form.addEventListener("submit", (event) => this.onSubmit(event));
    this.input.addEventListener("change", () => this.showChosen());
    for (const kind of ["dragover", "dragleave", "drop"]) {
      this.drop.addEventListener(kind, (event) => this.onDrag(event));
    }
  }

  onDrag(event) {
    event.preventDefault();
    this.drop.classList.toggle("is-over", event.type === "dragover");
    if (event.type !== "drop" || !event.dataTransfer.files.length) return;
    this.input.files = event.dataTransfer.files;
    this.showChosen();
  }

  showChosen() {
    this.rows = [...this.input.files].map((file) => this.rowFor(file));
    this.list.replaceChildren(...this.rows.map((row) => row.item));
  }

  rowFor(file) {
    const item = document.createElement("li");
    item.className = "upload-item";
    const name = document.createElement("strong");
    name.textContent = file.name;
    const size = document.createElement("span");
    size.className = "hint";
    size.textContent = inWords(file.size);
    const bar = document.createElement("progress");
    bar.className = "progress";
    bar.max = Math.max(file.size, 1);
    bar.value = 0;
    bar.setAttribute("aria-label", `Progress of ${file.name}`);
    const word = document.createElement("span");
    word.className = "upload-word";
    item.append(name, size, bar, word);
    const row = { file, item, bar, word, interview: null };
    if (file.size > this.maxBytes) this.fail(row, `Too large: at most ${inWords(this.maxBytes)} are accepted.`);
    if (file.size === 0) this.fail(row, "This file is empty.");
    return row;
  }

  async onSubmit(event) {
    event.preventDefault();
    if (!this.rows) this.showChosen();
    const button = this.form.querySelector("button[type=submit]");
    button.disabled = true;
    addEventListener("beforeunload", warn);
    try {
      const details = await this.askDetails();
      for (const row of this.rows) if (!row.interview && !row.failed) await this.sendFile(row, details);
    } catch (error) {
      for (const row of this.rows) if (!row.interview) this.fail(row, error.message);
    } finally {
      removeEventListener("beforeunload", warn);
      button.disabled = false;
    }
    this.finish();
  }

  // The server reads the form's words, makes a new project if one is named, and says what is wrong before files go.
  async askDetails() {
    const body = new FormData(this.form);
    body.delete("files");
    const response = await fetch(DETAILS, { method: "POST", body, headers: this.token() });
    if (!response.ok) throw new Refused(await reason(response));
    return response.json();
  }

  token() {
    return { "X-CSRF-Token": this.form.elements.csrf_token.value };
  }

  async sendFile(row, details) {
    this.say(row, "Sending…");
    try {
      await this.sendWithPatience(row, details);
      localStorage.removeItem(memoryKey(row.file));
      this.say(row, row.interview ? "" : "Here.");
      if (row.interview) row.word.append(linkTo(row.interview));
    } catch (error) {
      if (error instanceof Refused) localStorage.removeItem(memoryKey(row.file));
      this.fail(row, error instanceof Refused ? error.message : "The connection broke. Press Upload to go on.");
    }
  }

  async sendWithPatience(row, details) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.sendOnce(row, details);
      } catch (error) {
        if (error instanceof Refused || attempt >= RETRY_AFTER_MS.length) throw error;
        this.say(row, "The connection broke; trying again…");
        await new Promise((done) => setTimeout(done, RETRY_AFTER_MS[attempt]));
      }
    }
  }

  async sendOnce(row, details) {
    let { place, offset } = (await this.resume(row)) ?? (await this.begin(row, details));
    row.bar.value = offset;
    while (offset < row.file.size) {
      const response = await this.sendChunk(place, row, offset);
      offset = Number(response.getResponseHeader("Upload-Offset"));
      row.interview = response.getResponseHeader("Earshot-Interview") ?? row.interview;
      row.bar.value = offset;
    }
  }

  async begin(row, details) {
    const metadata = Object.entries({ ...details, filename: row.file.name })
      .filter(([, value]) => value !== null && value.length)
      .map(([name, value]) => `${name} ${base64(typeof value === "string" ? value : JSON.stringify(value))}`);
    const headers = {
      ...TUS,
      ...this.token(),
      "Upload-Length": String(row.file.size),
      "Upload-Metadata": metadata.join(","),
    };
    const response = await fetch(ENDPOINT, { method: "POST", headers });
    if (response.status >= 500) throw new Error("server");
    if (!response.ok) throw new Refused(await reason(response));
    const place = new URL(response.headers.get("Location"), location.href).href;
    localStorage.setItem(memoryKey(row.file), place);
    return { place, offset: 0 };
  }

  async resume(row) {
    const place = localStorage.getItem(memoryKey(row.file));
    if (!place) return null;
    const response = await fetch(place, { method: "HEAD", headers: TUS });
    const offset = Number(response.headers.get("Upload-Offset"));
    row.interview = response.headers.get("Earshot-Interview");
    if (response.ok && (offset < row.file.size || row.interview)) return { place, offset };
    localStorage.removeItem(memoryKey(row.file));
    return null;
  }

  // XMLHttpRequest, because fetch says nothing of how much of a chunk has gone.
  sendChunk(place, row, offset) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PATCH", place);
      const headers = { ...TUS, ...this.token(), "Upload-Offset": String(offset) };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.upload.onprogress = (event) => {
        row.bar.value = offset + event.loaded;
      };
      request.onerror = () => reject(new Error("network"));
      request.onload = () => {
        if (request.status < 300) resolve(request);
        else if (request.status >= 500 || request.status === 409) reject(new Error("server"));
        else reject(new Refused(reasonIn(request.responseText)));
      };
      request.send(row.file.slice(offset, offset + CHUNK_BYTES));
    });
  }

  finish() {
    const sent = this.rows.filter((row) => row.interview);
    if (sent.length !== this.rows.length) return;
    location.assign(sent.length === 1 ? `/interviews/${sent[0].interview}` : "/interviews");
  }

  say(row, sentence) {
    row.failed = false;
    row.item.classList.remove("is-failed");
    row.word.textContent = sentence;
  }

  fail(row, sentence) {
    row.failed = sentence.startsWith("Too large") || sentence.startsWith("This file is empty");
    row.item.classList.add("is-failed");
    row.word.textContent = sentence;
  }
}

function linkTo(interview) {
  const link = document.createElement("a");
  link.href = `/interviews/${interview}`;
  link.textContent = "Open the interview";
  return link;
}

function warn(event) {
  event.preventDefault();
}

function memoryKey(file) {
  return `earshot-upload:${file.name}:${file.size}:${file.lastModified}`;
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function inWords(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  const power = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)), 3);
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}

async function reason(response) {
  return reasonIn(await response.text());
}

function reasonIn(body) {
  try {
    return JSON.parse(body).detail ?? "The server refused it.";
  } catch {
    return "The server refused it.";
  }
}

customElements.define("es-upload", Upload);
