// The components of a message, drawn as the chosen client draws them. What a click sends is decided by the gateway.
import { html, Component } from "./html.js";
import { isWeb, link } from "./text.js";
import * as store from "./store.js";

const BUTTON = 1, SELECT = 2, INPUT = 3, DATE = 4, RADIO = 5, ANIMATION = 6;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };
const NOUNS = { 1: "button", 2: "select box", 3: "input", 4: "date picker", 5: "radio group", 6: "animation" };

const list = (value) => (Array.isArray(value) ? value : value ? [value] : []);
// Options with one name exclude each other.
const several = (options) => !!options[0]?.name && options.length > 1 && options[0].name !== options[1].name;

export class Form extends Component {
  constructor(props) {
    super(props);
    this.state = { values: this.#defaults(), touched: {} };
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

  set(id, value, touched = true) {
    const changes = { values: { ...this.state.values, [id]: value } };
    if (touched) changes.touched = { ...this.state.touched, [id]: value };
    this.setState(changes);
  }

  // The fields that the user filled in and the client draws. Choices in select boxes are already at the gateway.
  filledIn() {
    const { client } = this.props;
    const fields = (this.props.content.embed ?? []).flatMap((embed) => (embed.fields ?? []).map((field) => field.inputs));
    const ids = fields.filter((part) => part && part.type !== SELECT && store.draws(client, part.type, "field"))
      .map((part) => part.id);
    return Object.fromEntries(Object.entries(this.state.touched).filter(([id]) => ids.includes(id)));
  }

  // A component as the chosen client draws it, marked if another client does not draw it.
  part(part, label, place) {
    const noun = place === "shape" ? "grid" : NOUNS[part.type] ?? `component of type ${part.type}`;
    const missing = Object.keys(store.state.clients).filter((name) => !store.draws(name, part.type, place));
    if (missing.includes(this.props.client)) {
      return html`<p class="hint undrawn">(${this.props.client} does not draw this ${noun}${part.component?.label ? `: ${part.component.label}` : ""})</p>`;
    }
    const drawn = this.draw(part, label, place);
    return missing.length
      ? html`${drawn}<small class="mark" title=${`These clients do not draw this ${noun}`}>not on ${missing.join(", ")}</small>`
      : drawn;
  }

  draw(part, label, place) {
    const { message, act, profile } = this.props;
    const component = part.component ?? {};
    const id = `${message.id}-${part.id}`;
    const value = this.state.values[part.id];
    if (place === "shape") return html`<p class="hint">(a grid of ${(component.items ?? []).length} items)</p>`;
    switch (part.type) {
      case BUTTON: {
        if (component.url) {
          return isWeb(component.url)
            ? link(component.url, component.label, "button link")
            : html`<span class="hint">${component.label} (a link that is not to the web: ${String(component.url)})</span>`;
        }
        const style = STYLES[component.style] ?? "secondary";
        return html`<button type="button" class="button ${style}" disabled=${!!component.disable && !!profile.checks_disabled}
          title=${component.disable && !profile.checks_disabled ? "disabled by the bot, but this client does not check it" : undefined}
          onClick=${() => act("click", { message: message.id, button: part.id, values: this.filledIn() })}
        >${component.label || part.id}</button>`;
      }
      case INPUT: {
        const shared = {
          id, placeholder: component.placeholder ?? "", disabled: !!component.disabled, value: value ?? "",
          "aria-label": label || part.id, onInput: (event) => this.set(part.id, event.target.value),
        };
        const type = ["number", "date"].includes(component.type) ? component.type : "text";
        return component.textarea
          ? html`<textarea rows="3" ...${shared}></textarea>`
          : html`<input type=${type} ...${shared} />`;
      }
      case SELECT: return this.select(part, label, id, place);
      case DATE:
        return html`<input type="date" id=${id} aria-label=${label || part.id} value=${value ?? ""}
          onInput=${(event) => this.set(part.id, event.target.value)} />`;
      case RADIO: return this.choices(part, label, id);
      case ANIMATION: return html`<p class="hint">(an animation: ${(component.pool ?? []).length} pictures)</p>`;
      default: return html`<p class="hint">(a component of type ${part.type}, which is not drawn here)</p>`;
    }
  }

  select(part, label, id, place) {
    const { message, act, profile } = this.props;
    const component = part.component ?? {};
    const many = ((component.max_options ?? 0) >= 2 || (component.min_options ?? 0) > 1) && profile.lists;
    const chosen = list(this.state.values[part.id]);
    const named = (value) => (component.options ?? []).find((one) => one.value === value)?.label ?? value;
    const choose = async (event) => {
      const added = event.target.value;
      const next = many ? [...chosen.filter((one) => one !== added), added] : added;
      if ((await act("select", { message: message.id, select: part.id, values: list(next) })) !== undefined) {
        this.set(part.id, next, false);
      } else this.forceUpdate();
    };
    const remove = async (value) => {
      if ((await act("deselect", { message: message.id, select: part.id, value })) === undefined) return;
      this.set(part.id, many ? chosen.filter((one) => one !== value) : "", false);
    };
    const removable = profile.removes_choices && place === "field";
    return html`<span class="select">
      ${chosen.length && (many || removable) ? html`<span class="chosen">${chosen.map((one) => html`<span key=${one}>${many ? named(one) : ""}${removable && html`
        <button type="button" class="close" aria-label=${`Remove ${named(one)}`} onClick=${() => remove(one)}>✕</button>`}</span>`)}</span>` : ""}
      <select id=${id} aria-label=${label || part.id} value=${many ? "" : chosen[0] ?? ""} onChange=${choose}>
        <option value="" disabled selected=${many || !chosen.length}>${component.placeholder || "Choose…"}</option>
        ${(component.options ?? []).map((one) => html`
          <option value=${one.value} selected=${!many && one.value === chosen[0]}
            disabled=${many && chosen.includes(one.value)}>${one.label}</option>`)}
      </select></span>`;
  }

  choices(part, label, id) {
    const options = list(Array.isArray(part.component) ? part.component : part.component?.options);
    const many = several(options) && this.props.profile.lists;
    const most = part.max_options ?? 1;
    const chosen = list(this.state.values[part.id]);
    const choose = (option, on) => {
      if (!many) return this.set(part.id, option);
      this.set(part.id, on ? [...chosen, option].slice(-most) : chosen.filter((one) => one !== option));
    };
    return html`<fieldset><legend class="hidden">${label || part.id}</legend>
      ${options.map((one, at) => html`<label class="choice" key=${one.value}>
        <input type=${many ? "checkbox" : "radio"} name=${id} id=${`${id}-${at}`} value=${one.value}
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
        ${(row.components ?? []).map((part) => html`<${Fragmented} key=${part.id}>${this.part(part, part.component?.label ?? "", "row")}<//>`)}
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
        ${field.inputs && form.part(field.inputs, field.name, "field")}
        ${list(field.button).map((part) => html`<${Fragmented} key=${part.id}>${form.part(part, part.component?.label ?? "", "button")}<//>`)}
        ${field.shape && form.part(field.shape, field.name, "shape")}
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
