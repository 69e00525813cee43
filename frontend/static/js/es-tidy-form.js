// <es-tidy-form>: leaves empty fields and the default mode out of the address when the form inside is sent,
// by the browser or by htmx, so that addresses stay short enough to be passed on.

const DEFAULTS = { mode: "hybrid" };

class TidyForm extends HTMLElement {
  connectedCallback() {
    this.addEventListener("formdata", this);
  }

  disconnectedCallback() {
    this.removeEventListener("formdata", this);
  }

  handleEvent(event) {
    for (const [name, value] of [...event.formData.entries()]) {
      if (value === "" || value === DEFAULTS[name]) event.formData.delete(name);
    }
  }
}

customElements.define("es-tidy-form", TidyForm);
