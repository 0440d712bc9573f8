// The panel State: the bot's stored records by class and scope.
import { html, Component } from "./html.js";
import * as store from "./store.js";

const INTERVAL = 2000;
const name = (id) => {
  const user = store.user(id)?.username;
  const channel = store.channel(id)?.label;
  const clan = store.state.world.clans.find((one) => one.id === id)?.name;
  return user ?? (channel ? `#${channel}` : clan ?? id);
};

export class State extends Component {
  state = { found: null, open: null, text: "", filter: "" };

  componentDidMount() {
    this.load();
    this.timer = setInterval(this.load, INTERVAL);
  }
  componentWillUnmount() { clearInterval(this.timer); }

  load = async () => {
    const found = await this.props.act("records");
    // An error has been shown: it would be shown again by each attempt.
    if (found === undefined) return clearInterval(this.timer);
    this.setState({ found });
  };

  open = (record) => this.setState((state) => state.open?.key === record.key ? { open: null } : { open: record, text: record.text });

  finish = async (what, details, done) => {
    if ((await this.props.act(what, details)) !== undefined) {
      this.props.notice(done);
      this.setState({ open: null });
    }
    await this.load();
  };

  record(record) {
    const { open, text } = this.state;
    const shown = open?.key === record.key;
    const change = { key: record.key, revision: open?.revision };
    return html`<li key=${record.key}>
      <button type="button" class="frame" aria-expanded=${shown ? "true" : "false"} title=${record.key} onClick=${() => this.open(record)}>
        <span class="kind">${record.ids.map((id) => name(id)).join(", ") || record.scope || record.key}</span>
        <span class="numbers value">${record.text.replace(/\s+/g, " ")}</span></button>
      ${shown && html`<div class="details">
        <p class="hint"><code>${record.key}</code>${record.version !== null ? `, version ${record.version}` : ""}
          ${record.expires ? `, expires ${new Date(record.expires * 1000).toLocaleString()}` : ""}</p>
        ${record.version === null ? html`<pre tabindex="0" aria-label="The value">${record.text}</pre>`
          : html`<textarea class="json" rows=${Math.min(text.split("\n").length + 1, 20)} aria-label="The record as JSON" spellcheck="false" value=${text}
              onInput=${(event) => this.setState({ text: event.target.value })}></textarea>`}
        <div class="row">
          ${record.version !== null && html`<button type="button" class="button primary"
            onClick=${() => this.finish("set_record", { ...change, text }, "stored")}>Store</button>`}
          <button type="button" class="button danger" onClick=${() => this.finish("delete_record", change, "deleted")}>Delete</button>
        </div></div>`}
    </li>`;
  }

  render(_, { found, filter }) {
    if (found === null) return html`<div class="panel"><p class="hint">Reading…</p></div>`;
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    const records = found.records.filter((one) => words.every((word) => `${one.key} ${one.text}`.toLowerCase().includes(word)));
    const groups = new Map();
    // Records of the layer itself (jobs, pages, cooldowns) have a name that begins with _; they come last.
    for (const own of [true, false]) {
      for (const one of records.filter((record) => record.type.startsWith("_") !== own)) {
        const title = own ? `${one.type}, ${one.scope}` : one.type;
        groups.set(title, [...(groups.get(title) ?? []), one]);
      }
    }
    return html`<div class="panel">
      <div class="filter"><input type="search" placeholder="Filter: Score, user…" aria-label="Filter the records" value=${filter}
        onInput=${(event) => this.setState({ filter: event.target.value })} /></div>
      <p class="hint">${found.place === null ? "The state of this bot is in its memory; this page cannot open it."
        : html`${found.records.length === 0 ? "No records yet, in " : ""}<code>${found.place}</code>`}</p>
      ${[...groups].map(([title, group]) => html`<section key=${title} aria-label=${title}><h2>${title} (${group.length})</h2>
        <ol class="frames">${group.map((one) => this.record(one))}</ol></section>`)}
    </div>`;
  }
}
