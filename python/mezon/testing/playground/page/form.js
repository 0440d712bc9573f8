// The components of a message: inputs, selects, dates, choices, buttons. Every click includes the filled-in values.
import { html, Component } from "./html.js";
import { isWeb, link } from "./text.js";

const BUTTON = 1, SELECT = 2, INPUT = 3, DATE = 4, RADIO = 5, ANIMATION = 6;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };

// Mezon sends dates as d/m/yyyy.
const toMezonDate = (value) => {
  const [year, month, day] = value.split("-").map(Number);
  return year ? `${day}/${month}/${year}` : "";
};

export class Form extends Component {
  constructor(props) {
    super(props);
    this.state = { values: this.#defaults() };
  }

  parts() {
    const { content } = this.props;
    const inside = (content.embed ?? []).flatMap((embed) => (embed.fields ?? []).map((field) => field.inputs));
    const rows = (content.components ?? []).flatMap((row) => row.components ?? []);
    return [...inside, ...rows].filter(Boolean);
  }

  #defaults() {
    const values = {};
    for (const part of this.parts()) {
      const component = part.component ?? {};
      if (part.type === INPUT && component.defaultValue) values[part.id] = String(component.defaultValue);
      if (part.type === SELECT && component.valueSelected?.value) values[part.id] = component.valueSelected.value;
    }
    return values;
  }

  set(id, value) {
    this.setState({ values: { ...this.state.values, [id]: value } });
  }

  part(part, label) {
    const { message, act } = this.props;
    const component = part.component ?? {};
    const id = `${message.id}-${part.id}`;
    const value = this.state.values[part.id];
    switch (part.type) {
      case BUTTON: {
        if (component.url) {
          return isWeb(component.url)
            ? link(component.url, component.label, "button link")
            : html`<span class="hint">${component.label} (a link that is not to the web: ${String(component.url)})</span>`;
        }
        const style = STYLES[component.style] ?? "secondary";
        return html`<button type="button" class="button ${style}" disabled=${!!component.disable}
          onClick=${() => act("click", { message: message.id, button: part.id, values: this.state.values })}
        >${component.label || part.id}</button>`;
      }
      case INPUT: {
        const shared = {
          id, placeholder: component.placeholder ?? "", disabled: !!component.disabled, value: value ?? "",
          "aria-label": label || part.id, onInput: (event) => this.set(part.id, event.target.value),
        };
        return component.textarea
          ? html`<textarea rows="3" ...${shared}></textarea>`
          : html`<input type=${component.type === "number" ? "number" : "text"} ...${shared} />`;
      }
      case SELECT: {
        const choose = (event) => {
          this.set(part.id, event.target.value);
          act("select", { message: message.id, select: part.id, values: [event.target.value] });
        };
        return html`<select id=${id} aria-label=${label || part.id} value=${value ?? ""} onChange=${choose}>
          <option value="" disabled selected=${!value}>Choose…</option>
          ${(component.options ?? []).map((one) => html`
            <option value=${one.value} selected=${one.value === value}>${one.label}</option>`)}
        </select>`;
      }
      case DATE:
        return html`<input type="date" id=${id} aria-label=${label || part.id}
          onInput=${(event) => this.set(part.id, toMezonDate(event.target.value))} />`;
      case RADIO: return this.choices(part, label, id);
      case ANIMATION: return html`<p class="hint">(an animation: ${(component.pool ?? []).length} pictures)</p>`;
      default: return html`<p class="hint">(a component of type ${part.type}, which is not drawn here)</p>`;
    }
  }

  choices(part, label, id) {
    const options = Array.isArray(part.component) ? part.component : part.component?.options ?? [];
    const most = part.max_options ?? 1;
    const chosen = [].concat(this.state.values[part.id] ?? []);
    const choose = (option, on) => {
      if (most < 2) return this.set(part.id, option);
      const next = on ? [...chosen, option].slice(-most) : chosen.filter((one) => one !== option);
      this.set(part.id, next);
    };
    return html`<fieldset><legend class="hidden">${label || part.id}</legend>
      ${options.map((one, at) => html`<label class="choice" key=${one.value}>
        <input type=${most < 2 ? "radio" : "checkbox"} name=${id} id=${`${id}-${at}`} value=${one.value}
          disabled=${!!one.disabled} checked=${chosen.includes(one.value)}
          onChange=${(event) => choose(one.value, event.target.checked)} />
        <span>${one.label}${one.description ? html`<small>${one.description}</small>` : ""}</span>
      </label>`)}
    </fieldset>`;
  }

  render({ content, picture }) {
    return html`<div class="form">
      ${(content.embed ?? []).map((embed, at) => html`<${Embed} key=${at} embed=${embed} form=${this} picture=${picture} />`)}
      ${(content.components ?? []).map((row, at) => html`<div class="row" key=${at}>
        ${(row.components ?? []).map((part) => html`<${Fragmented} key=${part.id}>${this.part(part, part.component?.label ?? "")}<//>`)}
      </div>`)}
    </div>`;
  }
}

const Fragmented = ({ children }) => children;

function Embed({ embed, form, picture }) {
  const title = link(embed.url, embed.title);
  return html`<div class="embed" ref=${(node) => node && /^#[0-9a-f]{3,8}$/i.test(embed.color ?? "") && node.style.setProperty("--edge", embed.color)}>
    <div class="embed-main">
      <div>
        ${embed.author && html`<p class="author">${embed.author.icon_url && picture(embed.author.icon_url, "", "tiny")}${embed.author.name}</p>`}
        ${embed.title && html`<p class="title">${title}</p>`}
        ${embed.description && html`<p class="description">${embed.description}</p>`}
      </div>
      ${embed.thumbnail?.url && picture(embed.thumbnail.url, "thumbnail", "thumbnail")}
    </div>
    <div class="fields">
      ${(embed.fields ?? []).map((field, at) => html`<div key=${at} class=${field.inline ? "field inline" : "field"}>
        ${field.name && html`<p class="field-name">${field.name}</p>`}
        ${field.value && html`<p>${field.value}</p>`}
        ${field.inputs && form.part(
          field.max_options ? { ...field.inputs, max_options: field.max_options } : field.inputs, field.name)}
      </div>`)}
    </div>
    ${embed.image?.url && picture(embed.image.url, "picture", "large")}
    ${(embed.footer?.text || embed.timestamp) && html`<p class="footer">
      ${embed.footer?.icon_url && picture(embed.footer.icon_url, "", "tiny")}
      ${[embed.footer?.text, embed.timestamp && when(embed.timestamp)].filter(Boolean).join(" · ")}</p>`}
  </div>`;
}

// A time without a time zone is UTC.
function when(text) {
  const date = new Date(/[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(date.getTime()) ? text : date.toLocaleString();
}
