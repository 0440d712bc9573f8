// The page: renders the store, and turns user actions into requests.
import { html, render, Component, createRef } from "./html.js";
import { Connection } from "./socket.js";
import { Sidebar, Tabs, Messages, Composer } from "./chat.js";
import { Frames, Bot, Faults, copy } from "./inspector.js";
import { State } from "./state.js";
import * as store from "./store.js";

const { state } = store;
const PANES = [["side", "Channels"], ["chat", "Chat"], ["inspect", "Inspect"]];
const PANELS = [["frames", "Frames"], ["bot", "Bot"], ["state", "State"], ["faults", "Faults"]];

class Save extends Component {
  box = createRef();
  componentDidMount() { this.box.current.showModal(); }
  render({ text, bot, act, notice, close }) {
    const file = `data:text/x-python;charset=utf-8,${encodeURIComponent(text)}`;
    const save = async () => {
      const name = await act("save");
      if (name !== undefined) { notice(`saved as ${name}: run pytest`); close(); }
    };
    return html`<dialog ref=${this.box} onClose=${close} aria-labelledby="save-title">
      <h2 id="save-title">The recording as a test</h2>
      <pre tabindex="0" aria-label="The test">${text}</pre>
      <div class="row">
        ${bot && html`<button type="button" class="button primary" onClick=${save}>Save next to the bot</button>`}
        <a class="button secondary" href=${file} download="test_played.py">Download</a>
        <button type="button" class="button secondary" onClick=${() => copy(text, notice)}>Copy</button>
        <button type="button" class="button secondary" onClick=${() => this.box.current.close()}>Close</button>
      </div></dialog>`;
  }
}

class App extends Component {
  componentDidMount() {
    this.connection = new Connection(
      (event) => {
        const before = state.tabs.length;
        store.take(event);
        if (!before && event.event === "hello") store.fromHash();
        if (event.event === "report") this.report(event.report);
        if (event.event === "typing") setTimeout(() => this.change({ typing: null }), 4000);
        this.draw();
      },
      (status) => this.change({ status }),
    );
    window.addEventListener("hashchange", () => { store.fromHash(); this.draw(); });
    document.addEventListener("keydown", this.keys);
  }

  // Render once for all events of a frame: bursts contain hundreds.
  draw = () => {
    this.planned ??= requestAnimationFrame(() => { this.planned = null; this.forceUpdate(); });
  };
  change = (what) => { Object.assign(state, what); this.draw(); };
  notice = (text, bad = false) => {
    clearTimeout(this.gone);
    this.change({ notice: { text, bad } });
    this.gone = setTimeout(() => this.change({ notice: null }), 5000);
  };

  // A person who waits for an answer must see why there is none.
  report(report) {
    if (report.kind !== "crash" && report.kind !== "error") return;
    if (state.panel === "bot" && document.querySelector(".inspect")?.offsetParent) return;
    if (report.kind === "crash") state.panel = "bot";
    const text = (report.traceback || report.text).trimEnd().split("\n").at(-1);
    this.notice(`${report.kind === "crash" ? "The bot ended" : "Error in the bot"}: ${text} (more under Bot)`, true);
  }

  // Returns undefined after an error, which is shown to the person.
  act = async (what, details) => {
    try {
      return (await this.connection.ask(what, details)) ?? null;
    } catch (error) {
      this.notice(error.message, true);
      return undefined;
    }
  };

  go = (user, channel) => {
    if (!channel) return;
    store.show(user, channel);
    this.change({ pane: "chat" });
    document.getElementById("say")?.focus();
  };

  keys = (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      const next = state.tabs[(state.active + step + state.tabs.length) % state.tabs.length];
      event.preventDefault();
      this.go(next.user, next.channel);
    } else if (event.key === "n") {
      event.preventDefault();
      this.act("new");
    }
  };

  save = async () => {
    const text = await this.act("pytest");
    if (text !== undefined) this.change({ dialog: text });
  };

  render() {
    const { user, channel } = store.tab();
    const status = state.status !== "open" ? ["bad", "The playground is gone"]
      : state.connected ? ["good", "Bot connected"] : ["bad", "No bot connected"];
    const shared = { state, act: this.act, change: this.change, notice: this.notice, go: this.go };
    const Panel = { frames: Frames, bot: Bot, state: State, faults: Faults }[state.panel];
    return html`<div class=${`app show-${state.pane}`}>
      <header>
        <h1>Mezon playground</h1>
        <p class=${`status ${status[0]}`} role="status">${status[1]}</p>
        <div class="actions">
          <label class="client">Client <select value=${state.client}
            title="How messages are drawn, and what clicks and forms send"
            onChange=${(event) => this.change({ client: event.target.value, chosen: true })}>
            ${Object.keys(state.clients).map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>
          <button type="button" class="button secondary" title="Alt+N" onClick=${() => this.act("new")}>New conversation</button>
          <button type="button" class="button primary" onClick=${this.save}>Save as pytest</button>
        </div>
      </header>
      <nav class="panes" aria-label="Parts of the page">${PANES.map(([name, label]) => html`
        <button type="button" key=${name} aria-current=${state.pane === name ? "true" : undefined}
          onClick=${() => this.change({ pane: name })}>${label}</button>`)}</nav>
      <main>
      <${Sidebar} ...${shared} />
      <section class="chat" aria-label="Chat">
        <${Tabs} state=${state} go=${this.go} close=${(at) => { store.closeTab(at); this.draw(); }} />
        <${Messages} ...${shared} user=${user} channel=${channel} />
        <${Composer} ...${shared} user=${user} channel=${channel} editing=${state.editing} replyTo=${state.replyTo} />
      </section>
      <section class="inspect" aria-label="Inspector">
        <nav class="tabs" aria-label="Panels">${PANELS.map(([name, label]) => html`<span key=${name} class=${state.panel === name ? "tab active" : "tab"}>
          <button type="button" aria-current=${state.panel === name ? "true" : undefined} onClick=${() => this.change({ panel: name })}>${label}</button></span>`)}</nav>
        <${Panel} ...${shared} />
      </section>
      </main>
      <div class="notices" role="status" aria-live="polite">${state.notice && html`<p class=${state.notice.bad ? "notice bad" : "notice"}>${state.notice.text}</p>`}</div>
      ${state.dialog !== null && html`<${Save} text=${state.dialog} bot=${state.bot} act=${this.act} notice=${this.notice}
        close=${() => this.change({ dialog: null })} />`}
    </div>`;
  }
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
