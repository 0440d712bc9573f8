// The panels: frames in both directions, the bot's state and errors, fault injection.
import { html, Component } from "./html.js";

const clock = (seconds) => {
  const date = new Date(seconds * 1000);
  return `${date.toLocaleTimeString([], { hour12: false })}.${String(date.getMilliseconds()).padStart(3, "0")}`;
};
const ARROWS = { in: ["→", "from the bot"], out: ["←", "to the bot"], http: ["⇄", "HTTP"] };
const SHOWN = 300;

export async function copy(text, notice) {
  try {
    await navigator.clipboard.writeText(text);
    notice("copied");
  } catch {
    notice("the browser does not let this page copy; mark the text instead");
  }
}

export class Frames extends Component {
  state = { filter: "", quiet: false, open: null, details: null };

  shown() {
    const { filter, quiet } = this.state;
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    return this.props.state.frames.filter((frame) => (quiet || !frame.quiet)
      && words.every((word) => `${frame.kind} ${frame.note} ${frame.direction} ${frame.cid}`.toLowerCase().includes(word)));
  }

  open = async (frame) => {
    if (this.state.open === frame.n) return this.setState({ open: null, details: null });
    this.setState({ open: frame.n, details: null });
    const details = await this.props.act("frame", { number: frame.n });
    if (this.state.open === frame.n) this.setState({ details });
  };

  render({ notice }, { filter, quiet, open, details }) {
    const frames = this.shown();
    return html`<div class="panel">
      <div class="filter">
        <input type="search" placeholder="Filter: send, error, http…" aria-label="Filter the frames" value=${filter}
          onInput=${(event) => this.setState({ filter: event.target.value })} />
        <label><input type="checkbox" checked=${quiet} onChange=${(event) => this.setState({ quiet: event.target.checked })} /> pings and joins</label>
      </div>
      ${frames.length === 0 && html`<p class="hint">No frames yet.</p>`}
      <ol class="frames" aria-label="Frames">${frames.slice(-SHOWN).reverse().map((frame) => html`<li key=${frame.n}>
        <button type="button" class=${`frame ${frame.direction}`} aria-expanded=${open === frame.n ? "true" : "false"} onClick=${() => this.open(frame)}>
          <span class="arrow" title=${ARROWS[frame.direction][1]}>${ARROWS[frame.direction][0]}<span class="hidden">${ARROWS[frame.direction][1]}</span></span>
          <span class="kind">${frame.kind}${frame.note && html` <small>${frame.note}</small>`}</span>
          <span class="numbers">${frame.latency !== null ? html`<b>${frame.latency} ms</b> ` : ""}${frame.size} B</span>
        </button>
        ${open === frame.n && html`<div class="details">
          <p class="hint">${clock(frame.time)}, connection ${frame.connection}, cid ${frame.cid}</p>
          ${details && html`<div>
            <div class="row"><button type="button" class="button secondary" onClick=${() => copy(JSON.stringify(details.json, null, 2), notice)}>Copy as JSON</button>
            <button type="button" class="button secondary" onClick=${() => copy(details.python, notice)}>Copy as Python</button></div>
            <pre tabindex="0" aria-label="The frame as JSON">${JSON.stringify(details.json, null, 2)}</pre></div>`}
        </div>`}</li>`)}</ol>
    </div>`;
  }
}

const flat = (stats) => Object.entries(stats ?? {}).filter(([, value]) => typeof value !== "object" || value === null);

export function Bot({ state, act, notice }) {
  const { stats, reports } = state;
  const tasks = stats.tasks ?? [];
  const run = async (name) => { if ((await act("run_task", { name })) !== undefined) notice(`${name} runs`); };
  const errors = reports.filter((one) => one.kind === "error" || one.kind === "crash" || (one.kind === "log" && one.level === "WARNING")).slice(-20).reverse();
  const logs = reports.filter((one) => one.kind === "log" || one.kind === "error" || one.kind === "output" || one.kind === "started" || one.kind === "ended").slice(-100).reverse();
  return html`<div class="panel">
    <p>${state.connected ? html`<b class="good">● connected</b>` : html`<b class="bad">○ not connected</b>`}
      ${stats.state ? html` state <code>${stats.state}</code>` : ""}
      ${stats.latency != null ? html` ping ${Math.round(stats.latency * 1000)} ms` : ""}</p>
    ${state.bot ? html`<p class="row"><code>${state.bot}</code> <button type="button" class="button secondary" onClick=${() => act("restart")}>Restart</button></p>`
      : html`<p class="hint">Started by <code>mezon dev</code>, the bot shows its counters, log and errors here.</p>`}
    ${tasks.length > 0 && html`<h3>Tasks</h3>
    <p class="row">${tasks.map((name) => html`<button type="button" key=${name} class="button secondary"
      title="Run this task now, in addition to its schedule" onClick=${() => run(name)}>Run ${name}</button>`)}</p>`}
    <h3>Errors and warnings</h3>
    ${errors.length === 0 && html`<p class="hint">None.</p>`}
    <ol class="errors" aria-label="Errors">${errors.map((one, at) => html`<li key=${at}>
      <details open=${at === 0}><summary>${one.text.split("\n").at(-1)}</summary>
      <pre tabindex="0" aria-label="The traceback">${one.traceback || one.text}</pre></details></li>`)}</ol>
    ${flat(stats.stats).length > 0 && html`<h3>Counters</h3>
    <table><tbody>${flat(stats.stats).map(([name, value]) => html`<tr key=${name}><th scope="row">${name}</th><td>${String(value ?? "not yet")}</td></tr>`)}</tbody></table>`}
    ${logs.length > 0 && html`<h3>Log and output</h3>
    <ol class="logs" aria-label="Log">${logs.map((one, at) => html`<li key=${at} class=${(one.level ?? "").toLowerCase()}>${one.text}</li>`)}</ol>`}
  </div>`;
}

const FAULTS = [
  ["drop", "Drop the connection", "Cuts the connection without a close frame. The bot must reconnect."],
  ["restart", "Restart the server", "Stops the server and starts it again on the same port."],
  ["stall", "Stall", "The server reads and answers nothing until “Clear faults”."],
  ["error", "Refuse the next send", "The next message the bot sends gets error 7."],
  ["429", "Too many requests", "The next message the bot sends gets error 429."],
  ["slow", "Slow", "Every call of the bot is answered after two seconds."],
  ["expire", "Expire the session", "Invalidates every token."],
  ["clear", "Clear faults", "Removes the faults above and ends a stall."],
];

export function Faults({ act, notice }) {
  const inject = async (name, label) => { if ((await act("fault", { name })) !== undefined) notice(label); };
  return html`<div class="panel">${FAULTS.map(([name, label, what]) => html`<div class="fault" key=${name}>
    <button type="button" class=${`button ${name === "clear" ? "success" : "secondary"}`} onClick=${() => inject(name, label)}>${label}</button>
    <p class="hint">${what}</p></div>`)}</div>`;
}
