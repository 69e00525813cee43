// <es-countdown until="2026-05-12T10:15:00Z" words="5 min">: counts down to an instant, once a second.
// Says so politely two minutes before and at the end; the text inside it stands where there is no script.

const WARN_S = 120;

class Countdown extends HTMLElement {
  connectedCallback() {
    this.until = Date.parse(this.getAttribute("until"));
    if (Number.isNaN(this.until)) return;
    this.shift = this.serverShift();
    this.timer = setInterval(() => this.show(), 1000);
    this.show();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  // Browsers' clocks differ from the server's, which alone decides: count from the server's now.
  serverShift() {
    const now = Date.parse(this.getAttribute("now"));
    return Number.isNaN(now) ? 0 : now - Date.now();
  }

  show() {
    const left = Math.max(0, Math.ceil((this.until - Date.now() - this.shift) / 1000));
    this.textContent = left > 0 ? `${this.words(left)} left` : "has run out";
    this.classList.toggle("is-short", left <= WARN_S);
    if (left === WARN_S || left === 0) this.announce(left);
    if (left === 0) clearInterval(this.timer);
  }

  words(left) {
    const hours = Math.floor(left / 3600);
    const minutes = Math.floor((left % 3600) / 60);
    if (hours) return `${hours} h ${minutes} min`;
    return `${minutes}:${String(left % 60).padStart(2, "0")}`;
  }

  announce(left) {
    const region = document.querySelector("[data-announcements]");
    if (region) region.textContent = left ? "A reservation runs out in two minutes." : "A reservation has run out.";
  }
}

customElements.define("es-countdown", Countdown);
